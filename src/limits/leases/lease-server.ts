import type { Lease } from './lease.js';

/** The answer to a request for leases: all were granted, or none because of the one with this index. */
export type GrantAnswer =
  | { readonly full: number }
  | {
      /** When they were granted, in microseconds by the clock of the server. */
      readonly since: string;
      /** The ids of the leases that were evicted to make room. */
      readonly evicted: readonly string[];
    };

export interface RenewAnswer {
  readonly now: string;
  readonly evicted: readonly string[];
}

/** Callbacks of a {@link LeaseServer}. */
export interface LeaseEvents {
  /** Commands work, for the first time or again. */
  up(): void;
  /** An attempt to connect has failed, or a connection was lost. */
  down(error: unknown): void;
  /** Another process has evicted these leases. */
  evicted(ids: readonly string[]): void;
}

/** Keeps the leases of all processes. Each method rejects if the server is unavailable. */
export interface LeaseServer {
  /** The name of the server, for messages. */
  readonly name: string;
  /** Where it is, for messages, without credentials. */
  readonly address: string;
  /** True if commands can be expected to work. */
  readonly up: boolean;
  /** Starts to connect, and to receive evictions of this process. */
  open(): void;
  /** Grants all leases or none. Leases that have expired hold no slot and are not evicted. */
  grant(leases: readonly Lease[]): Promise<GrantAnswer>;
  /**
   * Removes leases of one key and renews others of it, in one atomic step. A lease that is gone is granted again in its old place if
   * there is room. Answers the time in microseconds, and the leases that found no room.
   */
  renew(leases: readonly Lease[], released: readonly Lease[]): Promise<RenewAnswer>;
  /** Removes leases. */
  release(leases: readonly Lease[]): Promise<void>;
  /** Tells another process which of its leases were evicted. The message may be lost. */
  announceEvicted(node: string, ids: readonly string[]): void;
  /** True if a retry may succeed. */
  isTransient(error: unknown): boolean;
  close(): void;
}
