import { SseError, quoted } from '../errors/sse.errors.js';
import type { ChannelKey, LogPosition } from './cursor.js';
import { EntryRing } from './entry-ring.js';
import { compareEventIds } from './event-ids.js';
import type { LogListener, LogSnapshot } from './event-log.js';
import { LogEntry } from './log-entry.js';
import type { LogRecord } from './log-record.js';
import type { ChannelLimits } from './memory-log.options.js';

/** An entry with its size and time for eviction, and the last own id for `locate()`. */
export class MemoryEntry extends LogEntry {
  /** The bytes that count toward the limits. */
  readonly size: number;
  /** The last own id up to this entry, and the order of the entry that has it. */
  readonly lastOwnId: string | undefined;
  readonly lastOwnAt: number;

  constructor(
    channel: ChannelKey,
    position: LogPosition,
    order: number,
    record: LogRecord,
    /** The time of the append. */
    readonly at: number,
    /** The last own id before this entry. */
    before: { readonly lastOwnId: string | undefined; readonly lastOwnAt: number },
  ) {
    super(channel, position, order, record);
    this.size = record.bytes;
    this.lastOwnId = record.id ?? before.lastOwnId;
    this.lastOwnAt = record.id === undefined ? before.lastOwnAt : order;
  }
}

/** One call of `watch()`. */
export interface MemoryWatch {
  readonly listener: LogListener;
  active: boolean;
}

/** One channel of a memory log: its entries, and the end of those that were evicted. */
export class MemoryChannel {
  readonly entries = new EntryRing<MemoryEntry>();
  readonly watches = new Set<MemoryWatch>();
  /** The folded states by the name of their fold. */
  snapshots: Map<string, LogSnapshot> | undefined;
  /** The size of all folded states. */
  snapshotBytes = 0;
  /** The size of all entries. */
  bytes = 0;
  /** The order of the last entry that was announced to listeners. */
  announcedThrough = 0;
  private evictedOwnId: string | undefined;
  private evictedOwnIdAt = 0;
  private readonly createdAfter: number;

  constructor(
    readonly key: ChannelKey,
    readonly limits: ChannelLimits,
    /** Entries up to this order may be evicted. */
    public evictedThrough: number,
  ) {
    this.createdAfter = evictedThrough;
  }

  /** True if no entry was evicted since the channel was created. */
  get whole(): boolean {
    return this.evictedThrough === this.createdAfter;
  }

  get newest(): MemoryEntry | undefined {
    return this.entries.at(this.entries.length - 1);
  }

  /** The last own id, even if its entry is evicted. */
  get lastOwnId(): string | undefined {
    return this.newest ? this.newest.lastOwnId : this.evictedOwnId;
  }

  /** The order of the entry with the last own id. */
  get lastOwnAt(): number {
    return this.newest ? this.newest.lastOwnAt : this.evictedOwnIdAt;
  }

  /** True if the oldest entry was not announced to the listeners yet. */
  get oldestIsUnannounced(): boolean {
    return this.watches.size > 0 && (this.entries.at(0)?.order ?? 0) > this.announcedThrough;
  }

  push(entry: MemoryEntry): void {
    this.entries.push(entry);
    this.bytes += entry.size;
  }

  shift(): MemoryEntry | undefined {
    const entry = this.entries.shift();
    if (entry === undefined) return undefined;
    this.bytes -= entry.size;
    this.evictedThrough = entry.order;
    this.evictedOwnId = entry.lastOwnId;
    this.evictedOwnIdAt = entry.lastOwnAt;
    return entry;
  }

  /** The index of the first entry after `order`. */
  indexAfter(order: number): number {
    const { newest } = this;
    // A shortcut for readers at the end, which most are.
    if (newest === undefined || newest.order <= order) return this.entries.length;
    return this.entries.partition((entry) => entry.order <= order);
  }

  /**
   * The order of the entry with an own id, or else of the last entry before it that has an own id. Entries without an own id
   * that follow it are not included, because a client that sends this id may not have seen them.
   */
  locate(id: string): number | undefined {
    const { lastOwnId } = this;
    if (lastOwnId === undefined || !reaches(lastOwnId, id)) return undefined;
    const count = this.entries.partition((entry) => !isBeyond(entry.lastOwnId, id));
    const next = this.entries.at(count)?.lastOwnId;
    // The binary search is only valid if the ids are comparable.
    if (next !== undefined && compareEventIds(next, id) === undefined) return undefined;
    const before = this.entries.at(count - 1);
    const found = before ? before.lastOwnId : this.evictedOwnId;
    if (found === undefined || !reaches(id, found)) return undefined;
    return before ? before.lastOwnAt : this.evictedOwnIdAt;
  }
}

/** True if an own id is equal to the other one or comes after it. */
function reaches(id: string | undefined, other: string): boolean {
  return id !== undefined && (compareEventIds(id, other) ?? -1) >= 0;
}

/** True if an own id comes after the other one, or is not comparable with it. */
function isBeyond(id: string | undefined, other: string): boolean {
  return id !== undefined && (compareEventIds(id, other) ?? 1) > 0;
}

/**
 * Checks that the own ids of records grow, beginning after the last own id of the channel.
 *
 * @throws {SseError} `SSE_ID_ORDER`
 */
export function checkIdOrder(channel: string, last: string | undefined, records: readonly LogRecord[]): void {
  let before = last;
  for (const { id } of records) {
    if (id === undefined) continue;
    if (before !== undefined && (compareEventIds(id, before) ?? 0) <= 0) {
      throw new SseError(
        'SSE_ID_ORDER',
        `The id ${quoted(id)} does not come after ${quoted(before)} in the channel ${quoted(channel)}.`,
        {
          remedy:
            'Use ids that grow: whole numbers, or texts of equal length in the order of their characters.',
          context: { channel, id, last: before },
        },
      );
    }
    before = id;
  }
}
