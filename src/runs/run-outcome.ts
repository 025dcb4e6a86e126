import { HttpException } from '@nestjs/common';
import type { Stopped } from '../events/library-events.js';
import { event, type SseEvent } from '../events/sse-event.js';
import { titleOf } from '../errors/http-status.js';
import { REPORTED, SseError, quoted } from '../errors/sse.errors.js';
import { publicErrorOf } from '../errors/public-error.js';
import { lostRun } from './run.errors.js';

/**
 * The state of a run.
 *
 * - `completed`: the source has ended, and the log has all of its events.
 * - `stopped`: by `stop()`, or because it had no viewers.
 * - `failed`: the source has thrown, or an event could not be written.
 * - `interrupted`: the application was shut down.
 * - `lost`: the node has died, was suspended, or was disconnected from the log.
 */
export type RunStatus = 'running' | 'completed' | 'stopped' | 'failed' | 'interrupted' | 'lost';

/** The outcome of a run, as it is written to the log. */
export interface RunOutcome {
  readonly status: Exclude<RunStatus, 'running'>;
  /** The HTTP status and body for viewers of a failed run. */
  readonly failure?: { readonly status: number; readonly response: string | Record<string, unknown> };
  /** The reason why a run was stopped. */
  readonly reason?: 'stop' | 'orphaned';
}

/** The outcome of a run whose source failed. Its viewers see the part of the error that any client may see. */
export function failedWith(error: unknown): RunOutcome {
  return { status: 'failed', failure: publicErrorOf(error) };
}

/** The largest body of a failure that is written to the log, in characters of JSON. */
const MAX_FAILURE_LENGTH = 8192;

/** An outcome that every log can store. A failure with a very large body is reduced to its HTTP status. */
export function bounded(outcome: RunOutcome): RunOutcome {
  const { failure } = outcome;
  return failure && JSON.stringify(failure.response).length > MAX_FAILURE_LENGTH ? brief(outcome) : outcome;
}

/** An outcome without the body of its failure. Returns the outcome itself if there is nothing to leave out. */
export function brief(outcome: RunOutcome): RunOutcome {
  const { failure } = outcome;
  if (!failure) return outcome;
  const response = titleOf(failure.status);
  if (failure.response === response) return outcome;
  return { ...outcome, failure: { status: failure.status, response } };
}

/** The error for viewers of a run that ended this way. `undefined` if the end is not an error. */
export function viewerError({ status, failure }: RunOutcome, id: string): Error | undefined {
  if (status === 'failed') {
    const { status: code = 500, response = 'Internal server error' } = failure ?? {};
    return Object.assign(new HttpException(response, code), { [REPORTED]: true });
  }
  if (status !== 'lost' && status !== 'interrupted') return undefined;
  return Object.assign(lostRun(id, status), { [REPORTED]: true });
}

/** The reason of the signal of a run that ends this way. */
export function abortReason({ status, reason }: RunOutcome, id: string): SseError {
  const run = `The run ${quoted(id)}`;
  if (status === 'interrupted')
    return new SseError('SSE_SHUTDOWN', `${run} ends because the application shuts down.`);
  if (status === 'lost') return new SseError('SSE_RUN_LOST', `${run} is no longer owned by this process.`);
  if (status !== 'stopped') return new SseError('SSE_ENDED', `${run} has ${status}.`);
  const why = reason === 'orphaned' ? 'it had no viewers' : 'of a call to stop()';
  return new SseError('SSE_RUN_STOPPED', `${run} was stopped because ${why}.`);
}

/** The last event of a run that was stopped. */
export function farewell(type: string, { reason = 'stop' }: RunOutcome): SseEvent<string, Stopped> {
  return event({ type, data: { reason } });
}

/** True for an event that can be a {@link farewell}. */
export function canBeFarewell({ data }: SseEvent): boolean {
  if (typeof data !== 'object' || data === null || Object.keys(data).length !== 1) return false;
  return 'reason' in data && (data.reason === 'stop' || data.reason === 'orphaned');
}

const END_TYPE = 'run-end';

/** The marker after the last event of a run. Subscriptions end there, and no client sees it. */
export function endMarker(run: string, outcome: RunOutcome): SseEvent {
  return event({ type: END_TYPE, data: JSON.stringify({ run, outcome }) });
}

/** The outcome in the end marker of this run. `undefined` for every other event, even one that imitates a marker. */
export function outcomeIn({ type, data }: SseEvent, run: string): RunOutcome | undefined {
  // A source cannot fake a marker, because it does not know the random name of its run.
  if (type !== END_TYPE || typeof data !== 'string' || !data.startsWith(`{"run":"${run}"`)) return undefined;
  return (JSON.parse(data) as { outcome: RunOutcome }).outcome;
}
