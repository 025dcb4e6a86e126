import { SseError, isSseError, quoted } from '../errors/sse.errors.js';
import { eventsOf } from '../source/upstream.js';
import { isWebStream, openChunks, type WebStreamLike } from '../source/streams.js';
import { isWebResponse, type WebResponseLike } from '../source/web-response.js';
import { MessageChunks, type UiMessageChunk } from './message-chunks.js';
import { STOPPED, StopRace } from './stop-race.js';

/**
 * An answer of a model: pieces of text, chunks of a UI message, or both; or a `Response` of the AI SDK, such as that of
 * `toUIMessageStreamResponse()`.
 */
export type UiMessageSource =
  Response | ReadableStream<string | UiMessageChunk> | AsyncIterable<string | UiMessageChunk>;

/**
 * The chunks of a UI message of the AI SDK, from the answer of a model. Text is put into a text part. The first chunk is always
 * `start`, because `useChat()` rebuilds a message that it resumes from there. A run that is stopped ends with the chunk `abort`.
 *
 * @param source The answer, or a promise of it.
 * @param signal The signal that the answer was made with: of a run, or of `@SseSignal()`.
 * @throws {SseError} while iterating: `SSE_NOT_STREAMABLE` for any other source or value, the errors of
 * `eventsOf()` for a `Response`, and every error of the source.
 * @example
 * @UiMessages('chat', { method: RequestMethod.POST })
 * chat(@Body() { prompt }: Question, @SseSignal() signal: AbortSignal) {
 *   return uiMessageChunks(this.model.answer(prompt, signal), signal);
 * }
 */
export async function* uiMessageChunks(
  source: UiMessageSource | PromiseLike<UiMessageSource>,
  signal: AbortSignal,
): AsyncGenerator<UiMessageChunk, void, undefined> {
  const message = new MessageChunks();
  const race = new StopRace(signal);
  let opened: Opened | undefined;
  try {
    const given = await race.run(source, (late) => open(late).cancel());
    if (given === STOPPED) return yield* ending(message, signal);
    opened = open(given);
    for (;;) {
      const result = signal.aborted ? STOPPED : await race.run(opened.iterator.next());
      if (result === STOPPED) return yield* ending(message, signal);
      if (result.done === true) break;
      yield* message.take(result.value);
    }
    opened = undefined;
    yield* message.end();
  } finally {
    race.close();
    opened?.cancel();
  }
}

/** The last chunks of an answer whose signal has aborted. Other ends have an event of the run, or no client. */
function ending(message: MessageChunks, { reason }: AbortSignal): Iterable<UiMessageChunk> {
  return isSseError(reason, 'SSE_RUN_STOPPED') ? message.abort() : [];
}

interface Opened {
  readonly iterator: { next(): PromiseLike<IteratorResult<unknown>> | IteratorResult<unknown> };
  cancel(): void;
}

function open(source: unknown): Opened {
  if (isWebResponse(source)) return openResponse(source);
  if (typeof source !== 'object' || source === null) throw notAnAnswer(source);
  if (isWebStream(source)) {
    const { iterator, cancel } = openChunks(source as WebStreamLike);
    return { iterator, cancel: () => void cancel() };
  }
  const iterable = source as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  const iterator = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.();
  if (!iterator) throw notAnAnswer(source);
  return { iterator, cancel: () => release(iterator) };
}

function openResponse(response: WebResponseLike): Opened {
  const events = eventsOf(response as Response);
  return { iterator: chunksOf(events), cancel: () => release(events) };
}

async function* chunksOf(
  events: AsyncIterable<{ readonly data: string | undefined }>,
): AsyncGenerator<unknown> {
  for await (const { data } of events) {
    if (data !== undefined && data !== '[DONE]') yield parse(data);
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch (cause) {
    throw new SseError('SSE_NOT_STREAMABLE', `The Response of an answer has an event with ${quoted(data)}.`, {
      remedy: 'Pass the Response of toUIMessageStreamResponse(), whose events are JSON.',
      context: { data },
      cause,
    });
  }
}

/** Ends an iteration. It may be waiting for a value, and only the signal of its maker can end that. */
function release(iterator: AsyncIterator<unknown> | Iterator<unknown>): void {
  try {
    void Promise.resolve(iterator.return?.()).then(undefined, () => undefined);
  } catch {
    // The answer is over, so nobody can receive this error.
  }
}

function notAnAnswer(source: unknown): SseError {
  return new SseError('SSE_NOT_STREAMABLE', `The source of an answer returned ${quoted(source)}.`, {
    remedy:
      'Return toUIMessageStream(), toUIMessageStreamResponse(), or an async iterable of text or of chunks.',
    context: { source },
  });
}
