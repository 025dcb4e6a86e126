/**
 * Loads the package `pg`, which is optional; `undefined` if it is not installed. This is a CommonJS file in both builds,
 * because only `require()` loads synchronously.
 */
function loadPg(): { Client: unknown } | undefined {
  try {
    // oxlint-disable-next-line typescript/no-require-imports
    return require('pg') as { Client: unknown };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A module that the package itself misses is a different error.
    if (code === 'MODULE_NOT_FOUND' && message.includes("'pg'")) return undefined;
    throw error;
  }
}

export = { loadPg };
