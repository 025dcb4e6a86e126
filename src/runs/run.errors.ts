import { SseError, quoted } from '../errors/sse.errors.js';

/** No run with this ID was ever started, or the log has evicted it. */
export function unknownRun(id: string): SseError {
  return new SseError('SSE_RUN_UNKNOWN', `There is no run with the id ${quoted(id)}.`, { context: { id } });
}

/** A run with this ID is running, on this node or on another. */
export function runExists(id: string): SseError {
  return new SseError('SSE_RUN_EXISTS', `A run with the id ${quoted(id)} is already running.`, {
    remedy: 'Use attach(), or the option "attachIfRunning".',
    context: { id },
  });
}

/** The application shuts down, so it starts no run. */
export function runsClosed(id: string): SseError {
  return new SseError(
    'SSE_SHUTDOWN',
    `The run ${quoted(id)} was not started: the application is shutting down.`,
    {
      context: { id },
    },
  );
}

/** A run that did not end normally. After a new start, clients can attach to its ID again. */
export function lostRun(id: string, how: 'lost' | 'interrupted'): SseError {
  return new SseError('SSE_RUN_LOST', `The run ${quoted(id)} was ${how}.`, { context: { id } });
}
