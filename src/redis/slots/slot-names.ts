import type { Lease } from '../../limits/leases/lease.js';

/**
 * The names of slots in Redis. All keys have the same hash tag, so in a cluster they are on one shard, and one script can
 * acquire slots under several keys.
 */
export class SlotNames {
  constructor(private readonly prefix: string) {}

  /** The two sets of each lease's key. */
  of(leases: readonly Lease[]): [string, ...string[]] {
    return leases.flatMap(({ request: { key } }) => {
      const name = `${this.prefix}{slots}:${key}`;
      return [`${name}:until`, `${name}:since`];
    }) as [string, ...string[]];
  }

  /** The pub/sub channel that carries the ids of evicted leases to their process. */
  node(node: string): string {
    return `${this.prefix}slots:{node:${node}}`;
  }
}
