/** Begins all names of the demo in Redis. */
export const REDIS_PREFIX = 'demo:';

/**
 * The Redis that the processes of the demo share, if there is one: `REDIS_URL`.
 *
 * @throws {Error} for a `REDIS_URL` that is none.
 */
export function redisUrl(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const url = env['REDIS_URL'];
  if (url === undefined || url === '') return undefined;
  if (URL.canParse(url)) return url;
  throw new Error(`REDIS_URL is "${url}": it must be like redis://localhost:6379.`);
}
