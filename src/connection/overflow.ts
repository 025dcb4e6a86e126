import type { SseEvent } from '../events/sse-event.js';

/** What happens to events of a push source that a client is too slow for. */
export type OverflowPolicy =
  'disconnect' | 'drop-oldest' | 'drop-newest' | { coalesce: (event: SseEvent) => string | undefined };

/** How much may wait for a client that is behind, and what happens beyond it. */
export interface OverflowOptions {
  /** Bytes that may wait for one client; every event counts for at least 16. @default 1_048_576 */
  maxBytes?: number;
  /**
   * What gives way: the connection, the oldest waiting events, the newest, or (`coalesce`) any waiting event with
   * the same key as a newer one; where that is not enough, the oldest. @default 'disconnect'
   */
  policy?: OverflowPolicy;
}

/** The default of {@link OverflowOptions}. */
export const OVERFLOW_DEFAULTS: Required<OverflowOptions> = { maxBytes: 1_048_576, policy: 'disconnect' };

/** An event counts for at least as much: an empty one takes memory too. */
const MIN_EVENT_BYTES = 16;
/** Places of taken entries are given back once there are so many. */
const COMPACT_AT = 512;

interface Waiting {
  block: string;
  bytes: number;
  key: string | undefined;
}

/** The events that wait for one slow client, within bounds. Made when a client first falls behind. */
export class OverflowQueue {
  private entries: (Waiting | undefined)[] = [];
  private head = 0;
  private byKey: Map<string, Waiting> | undefined;
  /** Bytes that wait. */
  bytes = 0;
  /** Events that were given up so far. */
  dropped = 0;

  constructor(private readonly limits: Required<OverflowOptions>) {}

  /** Adds an event; `false` means that the connection has to go. */
  add(block: string, event: SseEvent | undefined): boolean {
    const { policy, maxBytes } = this.limits;
    const bytes = Math.max(MIN_EVENT_BYTES, Buffer.byteLength(block));
    const key = typeof policy === 'object' && event ? policy.coalesce(event) : undefined;
    if (key !== undefined) this.replace(key);
    if (this.bytes + bytes > maxBytes) {
      if (policy === 'disconnect') return false;
      if (policy === 'drop-newest' || bytes > maxBytes) {
        this.dropped++;
        return true;
      }
      while (this.bytes + bytes > maxBytes) this.drop(this.shift());
    }
    const entry: Waiting = { block, bytes, key };
    this.entries.push(entry);
    this.bytes += bytes;
    if (key !== undefined) (this.byKey ??= new Map()).set(key, entry);
    return true;
  }

  /** Takes waiting events of about `atMost` characters, joined; empty when nothing waits. */
  take(atMost: number): string {
    let text = '';
    while (this.bytes > 0 && text.length < atMost) {
      const entry = this.shift();
      if (!entry) break;
      text += entry.block;
    }
    return text;
  }

  private shift(): Waiting | undefined {
    while (this.head < this.entries.length) {
      const entry = this.entries[this.head];
      this.entries[this.head++] = undefined;
      if (this.head >= COMPACT_AT && this.head * 2 > this.entries.length) {
        this.entries = this.entries.slice(this.head);
        this.head = 0;
      }
      if (!entry || entry.bytes === 0) continue;
      this.bytes -= entry.bytes;
      if (entry.key !== undefined && this.byKey?.get(entry.key) === entry) this.byKey.delete(entry.key);
      return entry;
    }
    return undefined;
  }

  private drop(entry: Waiting | undefined): void {
    if (entry) this.dropped++;
  }

  // The older event of the same key keeps its place in the array, empty, until it is passed over.
  private replace(key: string): void {
    const older = this.byKey?.get(key);
    if (!older) return;
    this.bytes -= older.bytes;
    older.bytes = 0;
    older.block = '';
    this.byKey?.delete(key);
    this.dropped++;
  }
}
