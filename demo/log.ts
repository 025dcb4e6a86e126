import { memoryLog, type EventLog } from 'nestjs-event-stream';
import { REDIS_PREFIX, redisUrl } from './state/redis-url.js';

/** What a channel keeps, and a run: enough for somebody who comes late to a long answer, or to a project's backlog. */
const RETENTION = { maxEvents: 10_000, maxBytes: 8_388_608, maxAgeMs: 86_400_000 };

/**
 * Where the events of channels and runs are kept: in the Redis at `REDIS_URL`, which any number of processes of the demo
 * may share, or in the memory of this one.
 *
 * @throws {Error} for a `REDIS_URL` that is none.
 */
export async function logFromEnvironment(env: NodeJS.ProcessEnv = process.env): Promise<EventLog> {
  const url = redisUrl(env);
  if (url === undefined) return memoryLog(RETENTION);
  // Who does without Redis need not have its client installed.
  const { redisLog } = await import('nestjs-event-stream/redis');
  return redisLog({ client: url, prefix: REDIS_PREFIX, ...RETENTION });
}
