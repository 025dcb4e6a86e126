import { SseError, quoted } from '../errors/sse.errors.js';

/**
 * Creates the source of a run: any value that an `@Sse()` handler may return. The signal aborts when the run must end or has
 * ended. Its reason is an `SseError` with the code of the cause.
 */
export type RunSource = (signal: AbortSignal) => unknown;

/** The error of `Runs.start()` for a source that is not a function. */
export function notAFunction(source: unknown): SseError {
  return new SseError('SSE_NOT_STREAMABLE', `Runs.start() was called with ${quoted(source)} as its source.`, {
    remedy: 'Pass a function that makes the source when the run starts: (signal) => source.',
    context: { source },
  });
}

/** The error for a source that returned something other than a stream. */
export function notStreamable(result: unknown): SseError {
  return new SseError('SSE_NOT_STREAMABLE', `The source of a run returned ${quoted(result)}.`, {
    remedy: 'Return a generator, an iterable, a stream, or an Observable, as from an @Sse() handler.',
    context: { result },
  });
}
