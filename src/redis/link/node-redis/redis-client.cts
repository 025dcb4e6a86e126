import type { createClient } from '@redis/client';

/**
 * Loads the package `@redis/client`, which is optional; `undefined` if it is not installed. This is a CommonJS file in both
 * builds, because only `require()` loads synchronously.
 */
function loadRedisClient(): { createClient: typeof createClient } | undefined {
  try {
    // oxlint-disable-next-line typescript/no-require-imports
    return require('@redis/client') as { createClient: typeof createClient };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A module that the package itself misses is a different error.
    if (code === 'MODULE_NOT_FOUND' && message.includes("'@redis/client'")) return undefined;
    throw error;
  }
}

export = { loadRedisClient };
