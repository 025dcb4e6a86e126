import { SseError, quoted } from '../errors/sse.errors.js';

/**
 * Makes the source of a run, which can be anything that an `@Sse()` handler may return. The signal aborts when the run is to
 * end or has ended. Its reason is an `SseError` whose code says why.
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
