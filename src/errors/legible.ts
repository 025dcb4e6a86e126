/** The properties of an error that Nest, loggers and this library read. */
interface Readable {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly stack?: unknown;
  readonly cause?: unknown;
  readonly code?: unknown;
  getStatus?(): unknown;
  getResponse?(): unknown;
}

/** Returns the result of `read`, or `otherwise` if it throws. */
export function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/**
 * True if an error is safe to read: none of its getters, methods or proxy traps throws, and its status is valid.
 */
export function isLegible(error: unknown): boolean {
  return attempt(() => {
    if ((typeof error !== 'object' || error === null) && typeof error !== 'function') return true;
    const { name, message, stack, cause, code, getStatus, getResponse } = error as Readable;
    void [error instanceof Error, 'code' in error, error.constructor, cause, code];
    // Loggers convert these to text, which throws for symbols, and for objects with a toString() that throws.
    void `${name as string}${message as string}${stack as string}${String(error)}`;
    if (typeof getStatus === 'function' && !isStatus((error as Required<Readable>).getStatus())) return false;
    if (typeof getResponse === 'function') (error as Required<Readable>).getResponse();
    return true;
  }, false);
}

function isStatus(status: unknown): boolean {
  return typeof status === 'number' && status >= 100 && status <= 999;
}
