/** Prefix of all names of the demo in Redis. */
export const REDIS_PREFIX = 'demo:';

/** The server that the processes of the demo share. */
export interface Shared {
  readonly kind: 'redis' | 'postgres';
  readonly url: string;
}

/**
 * Finds the server that the processes of the demo share: the Redis at `REDIS_URL`, or else the PostgreSQL at
 * `DATABASE_URL`. Returns `undefined` without either setting.
 *
 * @throws {Error} for a URL that is not valid.
 */
export function sharedUrl(env: NodeJS.ProcessEnv = process.env): Shared | undefined {
  const redis = urlIn(env, 'REDIS_URL', 'redis://localhost:6379');
  if (redis !== undefined) return { kind: 'redis', url: redis };
  const postgres = urlIn(env, 'DATABASE_URL', 'postgres://localhost/demo');
  return postgres === undefined ? undefined : { kind: 'postgres', url: postgres };
}

function urlIn(env: NodeJS.ProcessEnv, name: string, example: string): string | undefined {
  const url = env[name];
  if (url === undefined || url === '') return undefined;
  if (URL.canParse(url)) return url;
  throw new Error(`${name} is "${url}": it must be like ${example}.`);
}
