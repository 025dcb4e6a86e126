import { Injectable } from '@nestjs/common';

/** One entry of the cache. */
export interface CachedEvent {
  readonly type: 'cached';
  readonly index: number;
  readonly value: string;
}

/** Number of entries. */
const SIZE = 1000;

/** A thousand events that were created before the first request. */
@Injectable()
export class EventCache {
  readonly events: readonly CachedEvent[] = Array.from({ length: SIZE }, (_, index) => ({
    type: 'cached',
    index,
    value: `entry ${index}`,
  }));
}
