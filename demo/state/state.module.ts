import { Inject, Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { SlotStore } from 'nestjs-event-stream';
import { MemoryRecords } from './memory-records.js';
import { Records } from './records.js';
import { REDIS_PREFIX, sharedUrl } from './shared-url.js';
import { SHARED_SLOTS, Work } from './work.js';

/** State besides events that the processes of the demo share: in Redis, in PostgreSQL, or in this process. */
@Module({
  providers: [
    { provide: Records, useFactory: makeRecords },
    { provide: SHARED_SLOTS, useFactory: makeSlots },
    Work,
  ],
  exports: [Records, SHARED_SLOTS, Work],
})
export class StateModule implements OnApplicationShutdown {
  constructor(@Inject(Records) private readonly records: Records & { close?(): void | Promise<void> }) {}

  async onApplicationShutdown(): Promise<void> {
    await this.records.close?.();
  }
}

// Import a client only if it is used, so that the others need not be installed.
async function makeRecords(): Promise<Records> {
  const shared = sharedUrl();
  if (shared === undefined) return new MemoryRecords();
  if (shared.kind === 'postgres') {
    const { PostgresRecords } = await import('./postgres-records.js');
    return new PostgresRecords(shared.url);
  }
  const { RedisRecords } = await import('./redis-records.js');
  return new RedisRecords(shared.url, `${REDIS_PREFIX}record:`);
}

/**
 * While the server is unavailable, other readers are unknown. It is better to reject a second reader than to admit
 * two.
 */
async function makeSlots(): Promise<SlotStore | undefined> {
  const shared = sharedUrl();
  if (shared === undefined) return undefined;
  if (shared.kind === 'postgres') {
    const { postgresSlots } = await import('nestjs-event-stream/postgres');
    return postgresSlots({ client: shared.url, createSchema: true, whileAway: 'refuse' });
  }
  const { redisSlots } = await import('nestjs-event-stream/redis');
  return redisSlots({ client: shared.url, prefix: REDIS_PREFIX, whileAway: 'refuse' });
}
