import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { event, type SseEvent } from '../events/sse-event.js';
import { REPORTED } from '../errors/sse.errors.js';
import { RunException } from './run.exception.js';

/**
 * What became of a run: it came to its end, was stopped (also as an orphan), threw, was cut short by the shutdown of its
 * node, or its node fell silent.
 */
export type RunStatus = 'running' | 'completed' | 'stopped' | 'failed' | 'interrupted' | 'lost';

/** How a run ended, as its log keeps it. */
export interface RunOutcome {
  readonly status: Exclude<RunStatus, 'running'>;
  /** Of one that failed: the HTTP status and body that its viewers are shown. */
  readonly failure?: { readonly status: number; readonly response: string | Record<string, unknown> };
  /** Why it was stopped. */
  readonly reason?: 'stop' | 'orphaned';
}

/**
 * What an error tells those who view the run: an `HttpException`'s own words, and of anything else only that it
 * happened.
 */
export function failedWith(error: unknown): RunOutcome {
  const exception = error as Partial<HttpException> | null | undefined;
  if (typeof exception?.getStatus !== 'function' || typeof exception.getResponse !== 'function') {
    return { status: 'failed', failure: { status: 500, response: 'Internal server error' } };
  }
  const status = exception.getStatus();
  const response: unknown = exception.getResponse();
  // An exception made from another error would show that error's words, which were not written for clients.
  const told = response instanceof Error ? undefined : asJson(response);
  return { status: 'failed', failure: { status, response: told ?? STATUS_CODES[status] ?? 'Error' } };
}

function asJson(response: unknown): string | Record<string, unknown> | undefined {
  if (typeof response === 'string') return response;
  try {
    const copy: unknown = JSON.parse(JSON.stringify(response));
    return typeof copy === 'object' && copy !== null ? (copy as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** What viewers of a run that ended this way are thrown; `undefined` if its end is none to complain of. */
export function complaint({ status, failure }: RunOutcome, id: string): HttpException | undefined {
  if (status === 'failed') {
    const { status: code = 500, response = 'Internal server error' } = failure ?? {};
    return Object.assign(new HttpException(response, code), { [REPORTED]: true });
  }
  if (status !== 'lost' && status !== 'interrupted') return undefined;
  return Object.assign(RunException.over(id, status), { [REPORTED]: true });
}

const END_TYPE = 'run-end';

/** The marker at the end of a run's events. Viewers stop at it; no client sees it. */
export function endMarker(run: string, outcome: RunOutcome): SseEvent {
  return event({ type: END_TYPE, data: JSON.stringify({ run, outcome }) });
}

/** The outcome in an end marker of this run; `undefined` for all other events, whatever they look like. */
export function outcomeIn({ type, data }: SseEvent, run: string): RunOutcome | undefined {
  // The run's name in it is known to nobody who publishes.
  if (type !== END_TYPE || typeof data !== 'string' || !data.startsWith(`{"run":"${run}"`)) return undefined;
  return (JSON.parse(data) as { outcome: RunOutcome }).outcome;
}
