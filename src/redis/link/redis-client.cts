import type { createClient } from '@redis/client';

/**
 * The package `@redis/client`, loaded when it is first needed; `undefined` where it is not installed. Of all ways to load
 * something, only that of CommonJS makes nobody wait: hence this file, of which both builds have the same.
 */
function loadRedisClient(): { createClient: typeof createClient } | undefined {
  try {
    // oxlint-disable-next-line typescript/no-require-imports
    return require('@redis/client') as { createClient: typeof createClient };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Not what is missing in the package itself.
    if (code === 'MODULE_NOT_FOUND' && message.includes("'@redis/client'")) return undefined;
    throw error;
  }
}

export = { loadRedisClient };
