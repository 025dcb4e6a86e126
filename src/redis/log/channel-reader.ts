import { channelKey, type ChannelKey, type LogPosition } from '../../log/cursor.js';
import type { LogSlice, ReadLimit } from '../../log/event-log.js';
import type { LogEntry } from '../../log/log-entry.js';
import type { ChannelState } from './channel-state.js';
import { showLoss, type KnownHistory } from './history.js';
import type { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import { decodeEntry, type RawEntry } from './stream-entry.js';
import {
  entryId,
  formatPosition,
  isVacancy,
  parseEntryId,
  parsePosition,
  placeBefore,
  samePlace,
  type ChannelEnd,
  type EpochPlace,
  type Place,
} from './place.js';

const MIN_COUNT = 16;
/** The first field of each entry that `append.script.ts` writes. Other programs may write into the stream as well. */
const FIRST_FIELD = 'c';

/** Entries after a place, and the end of the channel as it was just before they were read. */
interface Loaded {
  readonly end: ChannelEnd;
  readonly entries: readonly LogEntry[];
  /** The place of the first entry. */
  readonly first: Place | undefined;
  /** Whether the channel has entries after these. */
  readonly more: boolean;
}

/** Reads channels from their Redis Streams. Entries are numbered without holes, so a missing number is a gap. */
export class ChannelReader {
  /** Moving average of the size of an entry. It converts the byte limit of a read into the `COUNT` of `XRANGE`. */
  private averageBytes = 1024;

  constructor(
    private readonly link: RedisLink,
    private readonly keys: RedisKeys,
    private readonly state: ChannelState,
    private readonly history: KnownHistory,
  ) {}

  async read(name: string, after: LogPosition | undefined, limit: ReadLimit): Promise<LogSlice> {
    if (after === undefined) return this.fromOldest(name, limit, false);
    const place = parsePosition(after);
    if (!place) return this.fromOldest(name, limit, true);
    if (isVacancy(place)) return this.afterVacancy(name, place, after, limit);
    const { end, entries, first, more } = await this.load(name, place, limit);
    if (end.epoch !== place.epoch) return this.fromOldest(name, limit, true);
    if (first ? first.count === place.count + 1 : samePlace(place, end)) {
      return { entries, from: after, gap: false, more };
    }
    if (!(await this.exists(name, place))) return this.fromOldest(name, limit, true);
    // A hole in the middle: continue after it. From the oldest entry, the next read would reach the same hole again.
    const from = formatPosition(end.epoch, first ? placeBefore(first) : end);
    return { entries, from, gap: true, more };
  }

  /** Reads after the position of a channel that did not exist at that time. */
  private async afterVacancy(
    name: string,
    place: EpochPlace,
    after: LogPosition,
    limit: ReadLimit,
  ): Promise<LogSlice> {
    const { end, entries, first, more } = await this.load(name, undefined, limit);
    const isComplete = first ? first.count === 1 : end.count === 0;
    const gap = !isComplete || !this.state.isNextAfter(name, place, end);
    const from = gap ? formatPosition(end.epoch, first ? placeBefore(first) : end) : after;
    return { entries, from, gap, more };
  }

  private async fromOldest(name: string, limit: ReadLimit, gap: boolean): Promise<LogSlice> {
    const { end, entries, first, more } = await this.load(name, undefined, limit);
    const from = formatPosition(end.epoch, first ? placeBefore(first) : end);
    return { entries, from, gap, more, whole: (first ? first.count : end.count + 1) === 1 };
  }

  /** Loads consecutive entries, beginning with the first after the place that this version can decode. */
  private async load(name: string, after: Place | undefined, limit: ReadLimit): Promise<Loaded> {
    const key = channelKey(name);
    const count = Math.min(limit.events, Math.max(MIN_COUNT, Math.ceil(limit.bytes / this.averageBytes)));
    for (let start = after; ;) {
      const { raw, end } = await this.range(name, start, count);
      const { entries, first, last } = unbroken(key, end.epoch, raw, limit.bytes);
      if (first) {
        this.updateAverage(entries);
        const next = first.count + entries.length;
        return { end, entries, first, more: next <= end.count || raw.length === count };
      }
      if (raw.length < count) return { end, entries, first, more: false };
      // A full page without an entry of this library. There may be some after it.
      start = last;
    }
  }

  private async range(
    name: string,
    after: Place | undefined,
    count: number,
  ): Promise<{ raw: readonly RawEntry[]; end: ChannelEnd }> {
    const start = after ? `(${entryId(after)}` : '-';
    for (let renewed = false; ;) {
      // Taken before the answer: an announcement that arrives meanwhile may belong to a history that replaced this one.
      const known = renewed ? undefined : this.history.end(name);
      const [answer, raw, epoch] = await this.link.inOrder(this.keys.log(name), [
        this.state.query(name),
        ['XRANGE', this.keys.log(name), start, '+', 'COUNT', `${count}`],
        ['HGET', this.keys.meta(name), 'e'],
      ]);
      const end = this.state.learn(name, answer);
      // The end is read first, so every entry up to it is in the range or was evicted. The epoch is read again last, which
      // shows that the range belongs to the same epoch as the end.
      if (!end) {
        const recovered = await this.state.recover(name, answer);
        if (isVacancy(recovered)) return { raw: [], end: recovered };
      } else if (end.epoch !== epoch) continue;
      else if (known && showLoss(known, end.epoch, placesIn(raw as RawEntry[]))) {
        this.history.lose(name, known);
        renewed = true;
      } else return { raw: raw as RawEntry[], end };
    }
  }

  private async exists(name: string, place: Place): Promise<boolean> {
    const id = entryId(place);
    const found = await this.link.send(this.keys.log(name), ['XRANGE', this.keys.log(name), id, id]);
    return (found as unknown[]).length > 0;
  }

  private updateAverage(entries: readonly LogEntry[]): void {
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0) / entries.length;
    this.averageBytes = this.averageBytes * 0.8 + bytes * 0.2;
  }
}

/** The places of the entries that this library wrote. */
function* placesIn(raw: readonly RawEntry[]): Generator<Place> {
  for (const [id, [name]] of raw) if (name === FIRST_FIELD) yield parseEntryId(id);
}

/**
 * Decodes consecutive entries. Entries that other programs wrote are skipped. A missing entry of this library ends the
 * slice, so that the next read starts at the hole and reports a gap.
 */
function unbroken(
  key: ChannelKey,
  epoch: string,
  raw: readonly RawEntry[],
  maxBytes: number,
): { entries: LogEntry[]; first: Place | undefined; last: Place | undefined } {
  const entries: LogEntry[] = [];
  let first: Place | undefined;
  let last: Place | undefined;
  let bytes = 0;
  for (const each of raw) {
    const { place, entry } = decodeEntry(key, epoch, each);
    last = place;
    if (!entry) continue;
    first ??= place;
    if (place.count !== first.count + entries.length || bytes >= maxBytes) break;
    entries.push(entry);
    bytes += entry.bytes;
  }
  return { entries, first, last };
}
