import { SseError, quoted } from './sse.errors.js';

/**
 * The reason of an error in a few words. If a host has several addresses, Node throws an `AggregateError` without a message.
 */
export function reasonOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { message, errors, code } = error as { message?: string; errors?: readonly unknown[]; code?: string };
  return message || reasonOf(errors?.[0]) || code;
}

/** The error for a server, such as Redis, that cannot be reached or cannot execute commands. */
export function unavailable(server: string, what: string, cause: unknown): SseError {
  const reason = reasonOf(cause);
  const why = reason === undefined ? '' : ` (${reason})`;
  return new SseError('SSE_LOG_UNAVAILABLE', `${what}: ${server} is not available${why}.`, {
    remedy: 'Subscriptions stay open and catch up. Try again once the health of the log is "up".',
    cause,
  });
}

/** The error for an append that timed out or was refused. */
export function notAppended(
  server: string,
  channel: string,
  cause: unknown,
  outcomeUnknown: boolean,
): SseError {
  const outcome = outcomeUnknown ? 'It may have been published' : 'It was not published';
  return unavailable(server, `An event for the channel ${quoted(channel)} got no answer. ${outcome}`, cause);
}

export function closed(what = 'The event log'): SseError {
  return new SseError('SSE_LOG_UNAVAILABLE', `${what} was closed.`, {
    remedy: 'The application is shutting down. Publish before that.',
  });
}
