import { uiMessage } from '../channels/folds/ui-message.js';
import type { RunOptions } from '../runs/run.options.js';
import type { Runs } from '../runs/runs.js';
import type { UiMessageChunk } from './message-chunks.js';
import { uiMessageChunks, type UiMessageSource } from './ui-message-source.js';
import { WholeAnswer } from './whole-answer.js';

/** The message so far, which a tab that resumes gets instead of every chunk of the model. */
const FOLD = uiMessage();

/** Options of {@link startAnswer}. */
export type AnswerOptions = Pick<RunOptions, 'orphanMs'>;

/**
 * Starts the answer of a chat as a run, and returns its stream for a `@UiMessages()` route. The run continues when its client
 * leaves. A stop aborts the signal. The last chunk for all viewers is then `abort`.
 *
 * @param runs The `Runs` of the application.
 * @param id The id of the run, for example that of the chat. Clients of other users must not be able to choose it.
 * @param make Returns the answer, or a promise of it. Pass the signal on to the model: then a stop cancels its request.
 * @throws {SseError} as a rejection: `SSE_RUN_EXISTS` (409) while an answer with this id is being written; those of `Runs.start()`.
 * @example
 * startAnswer(this.runs, id, (abortSignal) => streamText({ model, messages, abortSignal }).toUIMessageStream());
 */
export async function startAnswer(
  runs: Runs,
  id: string,
  make: (signal: AbortSignal) => UiMessageSource | PromiseLike<UiMessageSource>,
  { orphanMs }: AnswerOptions = {},
): Promise<AsyncIterableIterator<UiMessageChunk>> {
  const source = (signal: AbortSignal): AsyncIterable<UiMessageChunk> =>
    // Called within a promise, so that an error of `make` has the same way as one of its promise.
    uiMessageChunks(new Promise((resolve) => resolve(make(signal))), signal);
  const run = await runs.start(id, source, { emits: 'data', stopped: false, orphanMs, fold: FOLD });
  return new WholeAnswer(await run.attach<UiMessageChunk>({ fold: FOLD }));
}

/** Options of {@link resumeAnswer}. */
export interface ResumeOptions {
  /**
   * Sends an answer that has ended again, for as long as the log keeps it, instead of 204. A tab that lost its connection then gets
   * the end, and a page that loaded its messages a moment too early gets the message. The message must have the same id as
   * the one that is saved: a source of chunks sends it in its chunk `start`. @default false
   */
  readonly replayEnded?: boolean | undefined;
}

/**
 * Returns the stream of an answer that is being written, for the reconnect request of `useChat()`: the message so far in few chunks,
 * then what follows. A `Response` with the status 204 if no answer with this id is being written.
 *
 * @throws {SseError} as a rejection: those of `Runs.attach()`. While iterating, a `GoneException` (410) if the log has evicted a part of
 * the answer that this client needs.
 * @example
 * @UiMessages(':id/stream')
 * resume(@Param('id') id: string) { return resumeAnswer(this.runs, id); }
 */
export async function resumeAnswer(
  runs: Runs,
  id: string,
  { replayEnded = false }: ResumeOptions = {},
): Promise<AsyncIterableIterator<UiMessageChunk> | Response> {
  const status = await runs.status(id);
  if (replayEnded ? status === undefined : status !== 'running') return new Response(null, { status: 204 });
  if (replayEnded) return new WholeAnswer(await runs.attach<UiMessageChunk>(id, { fold: FOLD }));
  // The answer may have ended since.
  const found = await runs.attach<UiMessageChunk>(id, { fold: FOLD, none: 204 });
  return 'status' in found ? found : new WholeAnswer(found);
}

/**
 * Stops an answer, on whatever node it is being written, and resolves when it has ended. `stopped` is `false` if no answer with
 * this id was being written.
 *
 * @throws {SseError} as a rejection: those of `Runs.stop()`.
 */
export async function stopAnswer(runs: Runs, id: string): Promise<{ stopped: boolean }> {
  if ((await runs.status(id)) !== 'running') return { stopped: false };
  return { stopped: await runs.stop(id) };
}
