import { SseError, quoted } from '../errors/sse.errors.js';
import type { ChannelKey, LogPosition } from './cursor.js';
import { EntryRing } from './entry-ring.js';
import { compareEventIds } from './event-ids.js';
import type { LogListener } from './event-log.js';
import { LogEntry } from './log-entry.js';
import type { LogRecord } from './log-record.js';

/** An entry with what the memory log needs to evict and to find it. */
export class MemoryEntry extends LogEntry {
  /** Bytes that count against the limits. */
  readonly size: number;
  /** The last own id up to and including this entry, and the place of the entry that has it. */
  readonly lastOwnId: string | undefined;
  readonly lastOwnAt: number;

  constructor(
    channel: ChannelKey,
    position: LogPosition,
    order: number,
    record: LogRecord,
    /** When it was appended. */
    readonly at: number,
    /** The last entry with an own id before this one, where it has none itself. */
    before: { readonly lastOwnId: string | undefined; readonly lastOwnAt: number },
  ) {
    super(channel, position, order, record);
    this.size = record.bytes;
    this.lastOwnId = record.id ?? before.lastOwnId;
    this.lastOwnAt = record.id === undefined ? before.lastOwnAt : order;
  }
}

/** Somebody who wants to know about some channels. */
export interface MemoryWatch {
  readonly listener: LogListener;
  active: boolean;
}

/** One channel of a memory log: its entries and what is remembered of those that went. */
export class MemoryChannel {
  readonly entries = new EntryRing<MemoryEntry>();
  readonly watches = new Set<MemoryWatch>();
  /** Sum of the entries' sizes. */
  bytes = 0;
  /** The last entry that watchers were told of. */
  announcedThrough = 0;
  private evictedOwnId: string | undefined;
  private evictedOwnIdAt = 0;

  constructor(
    readonly key: ChannelKey,
    /** Up to this one, entries may have gone. */
    public evictedThrough: number,
  ) {}

  get newest(): MemoryEntry | undefined {
    return this.entries.at(this.entries.length - 1);
  }

  /** The last own id that was published and is remembered. */
  get lastOwnId(): string | undefined {
    return this.newest ? this.newest.lastOwnId : this.evictedOwnId;
  }

  /** The place of the entry that has it. */
  get lastOwnAt(): number {
    return this.newest ? this.newest.lastOwnAt : this.evictedOwnIdAt;
  }

  /** Whether watchers were not told of the oldest entry yet. */
  get oldestIsNews(): boolean {
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

  /** The index of the first entry after a place. */
  indexAfter(order: number): number {
    const { newest } = this;
    // Most readers are at the end.
    if (newest === undefined || newest.order <= order) return this.entries.length;
    return this.entries.partition((entry) => entry.order <= order);
  }

  /**
   * Where the entry with an own id is, or the last before it that had one. Not the last entry up to the next own id: a
   * client that names this id has not seen what came without one after it.
   */
  locate(id: string): number | undefined {
    const { lastOwnId } = this;
    if (lastOwnId === undefined || !reaches(lastOwnId, id)) return undefined;
    const count = this.entries.partition((entry) => !isBeyond(entry.lastOwnId, id));
    const next = this.entries.at(count)?.lastOwnId;
    // Among ids that have no order nobody knows what the search has passed over.
    if (next !== undefined && compareEventIds(next, id) === undefined) return undefined;
    const before = this.entries.at(count - 1);
    const found = before ? before.lastOwnId : this.evictedOwnId;
    if (found === undefined || !reaches(id, found)) return undefined;
    return before ? before.lastOwnAt : this.evictedOwnIdAt;
  }
}

/** Whether an own id is the other one or comes after it. */
function reaches(id: string | undefined, other: string): boolean {
  return id !== undefined && (compareEventIds(id, other) ?? -1) >= 0;
}

/** Whether an own id comes after the other one, or cannot be compared with it. */
function isBeyond(id: string | undefined, other: string): boolean {
  return id !== undefined && (compareEventIds(id, other) ?? 1) > 0;
}

/**
 * Makes sure that the own ids of records come one after the other, and after the channel's last.
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
          remedy: 'Own ids grow: whole numbers, or texts of one length in the order of their characters.',
          context: { channel, id, last: before },
        },
      );
    }
    before = id;
  }
}
