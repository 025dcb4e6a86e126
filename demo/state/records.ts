/**
 * The state of the demo besides events: JSON values by key. It is in the memory of this process, or in the Redis or
 * PostgreSQL that all processes share. A record is never changed in place. A record that was not changed for a long
 * time may be deleted.
 */
export abstract class Records {
  /** Reads the current record of a key. */
  abstract read<T>(key: string): Promise<T | undefined>;

  /**
   * Changes a record and resolves with the new value. `change` may be called again if another process was faster, so
   * it must not have side effects. If it throws, the record stays unchanged.
   */
  abstract update<T>(key: string, change: (now: T | undefined) => T): Promise<T>;

  abstract delete(key: string): Promise<void>;
}
