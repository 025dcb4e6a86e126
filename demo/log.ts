import { memoryLog, type EventLog } from 'nestjs-event-stream';
import { REDIS_PREFIX, sharedUrl } from './state/shared-url.js';

/**
 * Retention of a channel and of a run: enough for a client that joins late in a long answer, and for the backlog of a
 * project.
 */
const RETENTION = { maxEvents: 10_000, maxBytes: 8_388_608, maxAgeMs: 86_400_000 };

/**
 * Creates the log of the demo: in the Redis at `REDIS_URL` or the PostgreSQL at `DATABASE_URL`, which any number of
 * processes can share. Without either setting, the log is in the memory of this process.
 *
 * @throws {Error} for a URL that is not valid.
 */
export async function logFromEnvironment(env: NodeJS.ProcessEnv = process.env): Promise<EventLog> {
  const shared = sharedUrl(env);
  if (shared === undefined) return memoryLog(RETENTION);
  // Import a client only if it is used, so that the others need not be installed.
  if (shared.kind === 'postgres') {
    const { postgresLog } = await import('nestjs-event-stream/postgres');
    return postgresLog({ client: shared.url, createSchema: true, ...RETENTION });
  }
  const { redisLog } = await import('nestjs-event-stream/redis');
  return redisLog({ client: shared.url, prefix: REDIS_PREFIX, ...RETENTION });
}
