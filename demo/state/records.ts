/**
 * What the demo remembers besides events, by key: in this process, or in the Redis that all of its processes share. A record
 * is a JSON value that nobody changes in place, and is forgotten when it was not changed for long.
 */
export abstract class Records {
  /** The record of a key, as it is now. */
  abstract read<T>(key: string): Promise<T | undefined>;

  /**
   * Changes a record and resolves with what it has become. `change` may be called again if somebody else was faster, so it
   * does nothing but compute; what it throws leaves the record as it is.
   */
  abstract update<T>(key: string, change: (now: T | undefined) => T): Promise<T>;

  abstract delete(key: string): Promise<void>;
}
