import { SseError, quoted } from '../../errors/sse.errors.js';

/** Answers of a Redis that is there and cannot serve now; the command did nothing. */
const TRANSIENT = new Set([
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'UNBLOCKED',
]);

/** The code of an error that Redis answered; `undefined` if the error is not an answer. */
export function replyCode(error: unknown): string | undefined {
  const [reply = error] = (error as { replies?: readonly unknown[] } | undefined)?.replies ?? [];
  // By its form, not its class: the user's client may come from another copy of the package.
  return reply instanceof Error ? /^([A-Z]{2,})(?: |$)/.exec(reply.message)?.[1] : undefined;
}

/** Whether the same may work later: no connection, or a Redis that is loading, full or changing its role. */
export function isTransient(error: unknown): boolean {
  const code = replyCode(error);
  return code === undefined ? !(error instanceof TypeError) : TRANSIENT.has(code);
}

/** An error in a few words. Node reports a host with several addresses as an `AggregateError` without a message. */
export function reasonOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { message, errors, code } = error as { message?: string; errors?: readonly unknown[]; code?: string };
  return message || reasonOf(errors?.[0]) || code;
}

/** Redis cannot be reached, or does not serve. */
export function unavailable(what: string, cause: unknown): SseError {
  const reason = reasonOf(cause);
  const why = reason === undefined ? '' : ` (${reason})`;
  return new SseError('SSE_LOG_UNAVAILABLE', `${what}: Redis is not available${why}.`, {
    remedy: 'Subscriptions stay and catch up; try again once the health of the log is "up".',
    cause,
  });
}

/** An append that was given up. */
export function notAppended(channel: string, cause: unknown, open: boolean): SseError {
  const outcome = open ? 'It may have been published' : 'It was not published';
  return unavailable(`An event for the channel ${quoted(channel)} got no answer. ${outcome}`, cause);
}

export function closed(what = 'The event log'): SseError {
  return new SseError('SSE_LOG_UNAVAILABLE', `${what} was closed.`, {
    remedy: 'The application is shutting down: publish before that.',
  });
}
