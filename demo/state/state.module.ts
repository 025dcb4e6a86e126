import { Inject, Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { SlotStore } from 'nestjs-event-stream';
import { MemoryRecords } from './memory-records.js';
import { Records } from './records.js';
import { REDIS_PREFIX, redisUrl } from './redis-url.js';
import { SHARED_SLOTS, Work } from './work.js';

/** What processes of the demo have to agree on besides events: in Redis with `REDIS_URL`, else in this one. */
@Module({
  providers: [
    { provide: Records, useFactory: makeRecords },
    { provide: SHARED_SLOTS, useFactory: makeSlots },
    Work,
  ],
  exports: [Records, SHARED_SLOTS, Work],
})
export class StateModule implements OnApplicationShutdown {
  constructor(@Inject(Records) private readonly records: Records & { close?(): void }) {}

  onApplicationShutdown(): void {
    this.records.close?.();
  }
}

// Who does without Redis need not have its client installed.
async function makeRecords(): Promise<Records> {
  const url = redisUrl();
  if (url === undefined) return new MemoryRecords();
  const { RedisRecords } = await import('./redis-records.js');
  return new RedisRecords(url, `${REDIS_PREFIX}record:`);
}

/** While Redis is away nobody can know who else is there: better no second reader than two. */
async function makeSlots(): Promise<SlotStore | undefined> {
  const url = redisUrl();
  if (url === undefined) return undefined;
  const { redisSlots } = await import('nestjs-event-stream/redis');
  return redisSlots({ client: url, prefix: REDIS_PREFIX, whileAway: 'refuse' });
}
