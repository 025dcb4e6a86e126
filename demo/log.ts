import { memoryLog, type EventLog } from 'nestjs-event-stream';
import { REDIS_PREFIX, sharedUrl } from './state/shared-url.js';

/** What a channel keeps, and a run: enough for somebody who comes late to a long answer, or to a project's backlog. */
const RETENTION = { maxEvents: 10_000, maxBytes: 8_388_608, maxAgeMs: 86_400_000 };

/**
 * The log of the demo: in the Redis at `REDIS_URL` or the PostgreSQL at `DATABASE_URL`, which any number of processes can
 * share, or in the memory of this process.
 *
 * @throws {Error} for a URL that is not valid.
 */
export async function logFromEnvironment(env: NodeJS.ProcessEnv = process.env): Promise<EventLog> {
  const shared = sharedUrl(env);
  if (shared === undefined) return memoryLog(RETENTION);
  // Without a server, its client need not be installed.
  if (shared.kind === 'postgres') {
    const { postgresLog } = await import('nestjs-event-stream/postgres');
    return postgresLog({ client: shared.url, createSchema: true, ...RETENTION });
  }
  const { redisLog } = await import('nestjs-event-stream/redis');
  return redisLog({ client: shared.url, prefix: REDIS_PREFIX, ...RETENTION });
}
