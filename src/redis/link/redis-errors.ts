import { SseError, quoted } from '../../errors/sse.errors.js';

/** Error codes of a Redis that cannot execute commands at the moment. The command had no effect. */
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

/** The code of an error reply; `undefined` if the error is not a reply of Redis. */
export function replyCode(error: unknown): string | undefined {
  const [reply = error] = (error as { replies?: readonly unknown[] } | undefined)?.replies ?? [];
  // Not `instanceof ErrorReply`: the client of the application may come from another copy of the package.
  return reply instanceof Error ? /^([A-Z]{2,})(?: |$)/.exec(reply.message)?.[1] : undefined;
}

/** True if a retry may succeed: there is no connection, or Redis is loading, out of memory or changing its role. */
export function isTransient(error: unknown): boolean {
  const code = replyCode(error);
  return code === undefined ? !(error instanceof TypeError) : TRANSIENT.has(code);
}

/**
 * The reason of an error in a few words. If a host has several addresses, Node throws an `AggregateError` without a message.
 */
export function reasonOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { message, errors, code } = error as { message?: string; errors?: readonly unknown[]; code?: string };
  return message || reasonOf(errors?.[0]) || code;
}

/** The error for a Redis that cannot be reached or cannot execute commands. */
export function unavailable(what: string, cause: unknown): SseError {
  const reason = reasonOf(cause);
  const why = reason === undefined ? '' : ` (${reason})`;
  return new SseError('SSE_LOG_UNAVAILABLE', `${what}: Redis is not available${why}.`, {
    remedy: 'Subscriptions stay open and catch up. Try again once the health of the log is "up".',
    cause,
  });
}

/** The error for an append that timed out or was refused. */
export function notAppended(channel: string, cause: unknown, outcomeUnknown: boolean): SseError {
  const outcome = outcomeUnknown ? 'It may have been published' : 'It was not published';
  return unavailable(`An event for the channel ${quoted(channel)} got no answer. ${outcome}`, cause);
}

export function closed(what = 'The event log'): SseError {
  return new SseError('SSE_LOG_UNAVAILABLE', `${what} was closed.`, {
    remedy: 'The application is shutting down. Publish before that.',
  });
}
