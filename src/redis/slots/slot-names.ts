import type { Lease } from './lease.js';

/**
 * The names in Redis of what slots use. All keys have one hash tag, so that one script can take places under several of
 * them; in a cluster they are on one shard.
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

  /** The pub/sub channel on which a process is told which of its leases were evicted. */
  node(node: string): string {
    return `${this.prefix}slots:{node:${node}}`;
  }
}
