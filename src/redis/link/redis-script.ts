import { createHash } from 'node:crypto';
import type { RedisLink } from './redis-link.js';
import { replyCode } from './redis-errors.js';

/** A Lua script. Redis identifies it by the SHA-1 of its source. */
export interface RedisScript {
  readonly source: string;
  readonly sha: string;
}

export function redisScript(...parts: string[]): RedisScript {
  const source = parts.join('\n');
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

/**
 * Runs a script. Redis forgets scripts in a restart, a failover and with `SCRIPT FLUSH`. It then answers `NOSCRIPT` without
 * doing anything, and the source is sent.
 */
export async function runScript(
  link: RedisLink,
  script: RedisScript,
  keys: readonly [string, ...string[]],
  args: readonly string[],
): Promise<unknown> {
  const rest = [`${keys.length}`, ...keys, ...args];
  try {
    return await link.send(keys[0], ['EVALSHA', script.sha, ...rest]);
  } catch (error) {
    if (replyCode(error) !== 'NOSCRIPT') throw error;
    return link.send(keys[0], ['EVAL', script.source, ...rest]);
  }
}
