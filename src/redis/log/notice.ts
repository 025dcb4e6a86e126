import type { ChannelKey } from '../../log/cursor.js';
import type { LogEntry } from '../../log/log-entry.js';
import type { LogSlice, ReadLimit } from '../../log/event-log.js';
import type { LogPosition } from '../../log/cursor.js';
import { decodeRecord, frameLength } from '../../log/remote/stored-record.js';
import { entryAt } from './stream-entry.js';
import { parsePosition, type EpochPlace } from './place.js';

/** The announcement of an append, which Redis sends to all subscribers of the channel by pub/sub. */
export interface Notice {
  /** The channel's end after the append. */
  readonly end: EpochPlace;
  /** The count of the first entry. */
  readonly first: number;
  /** The appended entries; `undefined` if they are too large to be part of the notice. */
  readonly entries: readonly LogEntry[] | undefined;
}

/** Parses a notice; `undefined` if the text is not a valid one. */
export function parseNotice(key: ChannelKey, text: string): Notice | undefined {
  const line = text.indexOf('\n');
  const [epoch = '', ...numbers] = (line === -1 ? text : text.slice(0, line)).split(' ');
  const [us = NaN, first = NaN, count = NaN] = numbers.map(Number);
  if (!Number.isSafeInteger(us) || !(first <= count)) return undefined;
  const end = { epoch, us, count };
  return { end, first, entries: line === -1 ? undefined : entriesIn(text, line + 1, key, end, first) };
}

function entriesIn(
  text: string,
  start: number,
  key: ChannelKey,
  { epoch, us, count }: EpochPlace,
  first: number,
): readonly LogEntry[] | undefined {
  const entries: LogEntry[] = [];
  for (let at = start, n = first; n <= count; n++) {
    const ownAt = text.indexOf('\n', at) + 1;
    const frameAt = text.indexOf('\n', ownAt) + 1;
    if (ownAt === 0 || frameAt === 0) return undefined;
    const header = text.slice(at, ownAt - 1);
    at = frameAt + (frameLength(header) ?? NaN);
    const own = text.slice(ownAt, frameAt - 1);
    const record = decodeRecord(header, text.slice(frameAt, at), own === '' ? undefined : own);
    if (!record) return undefined;
    entries.push(entryAt(key, epoch, { us, count: n }, record));
  }
  return entries;
}

/**
 * Consecutive entries that arrived in notices. A listener reads the log as soon as it is called, so these entries answer that
 * read without a request to Redis.
 */
export class AnnouncedEntries {
  private readonly entries: LogEntry[] = [];

  constructor(
    private readonly epoch: string,
    private readonly first: number,
  ) {}

  /** Adds the entries of the next notice. Returns false if they do not directly follow the ones that are here. */
  add({ end, first, entries }: Notice): boolean {
    if (end.epoch !== this.epoch || first !== this.first + this.entries.length || !entries) return false;
    this.entries.push(...entries);
    return true;
  }

  /** The entries after a position; `undefined` if the first of them is not here. */
  read(after: LogPosition, limit: ReadLimit): LogSlice | undefined {
    const place = parsePosition(after);
    const skip = place?.epoch === this.epoch ? place.count + 1 - this.first : -1;
    if (skip < 0 || skip >= this.entries.length) return undefined;
    // Another entry with the same count: the entry at the position was lost.
    if (skip > 0 && this.entries[skip - 1]?.position !== after) return undefined;
    let end = skip;
    for (
      let bytes = 0;
      end < this.entries.length && end - skip < limit.events && bytes < limit.bytes;
      end++
    ) {
      bytes += this.entries[end]?.bytes ?? 0;
    }
    const entries = this.entries.slice(skip, end);
    return { entries, from: after, gap: false, more: end < this.entries.length };
  }
}
