import { memoryLog, type EventLog } from 'nestjs-event-stream';

/** What a channel keeps, and a run: enough for somebody who comes late to a long answer. */
const RETENTION = { maxEvents: 10_000, maxBytes: 8_388_608 };

/**
 * Where the events of channels and runs are kept: in the Redis at `REDIS_URL`, which any number of processes of the demo
 * may share, or in the memory of this one.
 *
 * @throws {Error} for a `REDIS_URL` that is none.
 */
export async function logFromEnvironment(env: NodeJS.ProcessEnv = process.env): Promise<EventLog> {
  const url = env['REDIS_URL'];
  if (url === undefined || url === '') return memoryLog(RETENTION);
  if (!URL.canParse(url)) throw new Error(`REDIS_URL is "${url}": it must be like redis://localhost:6379.`);
  // Who does without Redis need not have its client installed.
  const { redisLog } = await import('nestjs-event-stream/redis');
  return redisLog({ client: url, prefix: 'demo:', ...RETENTION });
}
