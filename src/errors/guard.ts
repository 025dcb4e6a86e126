import { SseError } from './sse.errors.js';

/** Calls application code whose result is not needed. An error that it throws or rejects with goes to `failed`. */
export function guard(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    watchRejection(call(), failed);
  } catch (error) {
    failed(error);
  }
}

/** Passes the rejection of a promise to `failed`. Any other value is ignored. */
export function watchRejection(value: unknown, failed: (error: unknown) => void): void {
  if (!isThenable(value)) return;
  // `await` does not call the `then` or `catch` of a native promise, which an application may have replaced.
  const settled = async (): Promise<void> => {
    await value;
  };
  settled().then(undefined, failed);
}

/**
 * Returns the answer of an option function, which must be synchronous.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for a promise. A promise would be used as the answer, and its rejection would end the
 * process.
 */
export function immediate<T>(answer: T, option: string): T {
  if (typeof answer !== 'object' || answer === null || !isThenable(answer)) return answer;
  watchRejection(answer, ignore);
  throw new SseError('SSE_INVALID_OPTIONS', `The function of the option "${option}" returned a promise.`, {
    remedy: 'Make the function synchronous.',
    context: { option },
  });
}

/** True if a value can be awaited, including promises of other libraries such as a lazy query. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  return typeof (value as Partial<PromiseLike<unknown>>).then === 'function';
}

function ignore(): void {
  // The error says that the function returned a promise. How that promise settles does not matter.
}
