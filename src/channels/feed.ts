import { ask } from './ask.js';
import { formatCursor, type ChannelKey, type LogPosition, type FeedPosition } from '../log/cursor.js';
import { EventBatch } from './event-batch.js';
import type { Awaitable, EventLog, LogSlice, ReadLimit } from '../log/event-log.js';
import type { Deliverable, Parse } from '../log/log-entry.js';
import { LiveReaders, type BatchConsumer, type LiveReader } from './live-readers.js';
import { mergeSlices } from './merge-slices.js';

/** What a read of a feed found. */
export interface FeedSlice {
  readonly at: FeedPosition;
  /** What comes after `at`; none if a gap is all there is to say, or only the position became known. */
  readonly batch: EventBatch | undefined;
  readonly next: FeedPosition;
  /** Events after `at` are gone; the oldest kept has this id. */
  readonly gap: { readonly oldest: string | null } | undefined;
}

/** Who reads a feed. */
export interface FeedReader extends LiveReader {
  /** Something happened since a read found nothing. */
  wake(): void;
  /** The feed is over. */
  end(): void;
}

/** How much is read, joined and written in one piece: what one slow reader may hold on to. */
export const BATCH_LIMIT: ReadLimit = { events: 256, bytes: 65_536 };

const SHARED_SLICES = 8;

/**
 * One set of channels as the subscriptions of this process to it see them. It has no queue: readers come with their
 * position, and those with the same one are given the same slice.
 */
export class Feed {
  /** Readers with a place of their own. */
  private readonly readers = new Set<FeedReader>();
  private readonly live = new LiveReaders<FeedReader>();
  private advancing = false;
  /** Where each channel is known to have ended, until the log says otherwise. */
  private readonly ends: (LogPosition | undefined)[];
  /** The slice of the wake-up that is going on. */
  private current: FeedSlice | undefined;
  private waking = false;
  /** Slices that somebody may still hold. Weak: the log alone decides how long an event is kept. */
  private recent: WeakRef<FeedSlice>[] = [];
  private readonly loading = new Map<string, Promise<FeedSlice | undefined>>();
  private readonly unwatch: () => void;
  private readonly limit: ReadLimit;
  /** Counts wake-ups: tells whether one came while a read was on its way. */
  wakeUps = 0;

  constructor(
    readonly keys: readonly ChannelKey[],
    private readonly log: EventLog,
    private readonly parse: Parse,
  ) {
    this.ends = keys.map(() => undefined);
    this.limit = { ...BATCH_LIMIT, events: Math.max(BATCH_LIMIT.events / keys.length, 16) | 0 };
    this.unwatch = log.watch(
      keys.map(({ name }) => name),
      (changed) => this.wake(changed),
    );
  }

  /** How many read. */
  get size(): number {
    return this.readers.size + this.live.size;
  }
  /** Where a live reader is. */
  placeOf(reader: FeedReader): FeedPosition {
    return this.live.placeOf(reader);
  }

  add(reader: FeedReader): void {
    this.readers.add(reader);
  }

  /** Whether the reader was one of this feed. */
  delete(reader: FeedReader): boolean {
    return this.readers.delete(reader) || this.live.delete(reader);
  }

  /** Tells all who read. */
  each(tell: (reader: FeedReader) => void): void {
    for (const reader of [...this.readers, ...this.live.readers()]) tell(reader);
  }

  /** Makes a reader that found nothing at `at` a live one; `false` where the others are not at the same place. */
  follow(reader: FeedReader, at: FeedPosition, consumer: BatchConsumer): boolean {
    if (this.live.size === 0) this.live.at = at;
    else if (!samePosition(this.live.at, at)) return false;
    this.readers.delete(reader);
    this.live.add(reader, consumer);
    return true;
  }

  /** A live reader has a place of its own again. */
  unfollow(reader: FeedReader): void {
    if (this.live.delete(reader)) this.readers.add(reader);
  }

  /** What follows a position: a slice, the promise of one, or `undefined` until the next wake-up. Never throws. */
  read(at: FeedPosition): Awaitable<FeedSlice | undefined> {
    // Most readers are at the end, and most others at one place.
    if (at.every((position, i) => position !== undefined && position === this.ends[i])) return undefined;
    const shared = this.shared(at) ?? (this.loading.size > 0 ? this.loading.get(keyOf(at)) : undefined);
    if (shared) return shared;
    const parts: Awaitable<LogSlice | undefined>[] = [];
    let asked = false;
    let waits = false;
    for (const [i, { name }] of this.keys.entries()) {
      const end = this.ends[i];
      const isEnd = end !== undefined && end === at[i];
      const part = isEnd ? undefined : ask(() => this.log.read(name, at[i], this.limit));
      asked ||= part !== undefined;
      waits ||= part instanceof Promise;
      parts.push(part);
    }
    if (!asked) return undefined;
    return waits ? this.load(at, parts) : this.slice(at, parts as (LogSlice | undefined)[], this.wakeUps);
  }

  /** The cursor that stands for a position. */
  cursor(at: FeedPosition): string {
    return formatCursor(this.keys, at);
  }

  /** Nobody reads any more. */
  close(): void {
    this.unwatch();
  }

  private wake(changed: readonly string[]): void {
    this.wakeUps++;
    this.waking = true;
    for (const [i, { name }] of this.keys.entries()) {
      if (changed.includes(name)) this.ends[i] = undefined;
    }
    if (!this.advancing) this.advance();
    for (const reader of this.readers) {
      try {
        reader.wake();
      } catch (error) {
        reader.fail(error);
      }
    }
    this.waking = false;
    this.current = undefined;
  }

  /** Takes the live readers on. Where there is more to it than one batch for all, each sees to itself. */
  private advance(): void {
    const { live } = this;
    this.advancing = true;
    try {
      while (live.size > 0) {
        const slice = this.read(live.at);
        if (slice === undefined) break;
        if (!(slice instanceof Promise) && slice.batch) live.deliver(slice.batch, slice.next);
        else {
          live.disperse();
          // Those who have no room do not ask for it, and then nobody would hear that it failed.
          if (slice instanceof Promise) slice.catch(() => undefined);
        }
      }
    } finally {
      this.advancing = false;
    }
  }

  private shared(at: FeedPosition): FeedSlice | undefined {
    if (this.current && samePosition(this.current.at, at)) return this.current;
    for (const reference of this.recent) {
      const slice = reference.deref();
      if (slice && samePosition(slice.at, at)) return this.share(slice);
    }
    return undefined;
  }

  private share(slice: FeedSlice): FeedSlice {
    if (this.waking) this.current = slice;
    return slice;
  }

  private load(
    at: FeedPosition,
    parts: readonly Awaitable<LogSlice | undefined>[],
  ): Promise<FeedSlice | undefined> {
    const { wakeUps } = this;
    const key = keyOf(at);
    const loading = Promise.all(parts)
      .then((slices) => this.slice(at, slices, wakeUps))
      .finally(() => this.loading.delete(key));
    this.loading.set(key, loading);
    return loading;
  }

  private slice(
    at: FeedPosition,
    parts: readonly (LogSlice | undefined)[],
    wakeUps: number,
  ): FeedSlice | undefined {
    const start = at.map((position, i) => parts[i]?.from ?? position);
    const gap = parts.find((part) => part?.gap);
    if (gap) return { at, batch: undefined, next: start, gap: { oldest: gap.entries[0]?.id ?? null } };
    const { items, next } = this.merge(start, parts);
    if (wakeUps === this.wakeUps) this.noteEnds(parts, next);
    if (items.length === 0) {
      return samePosition(start, at) ? undefined : { at, batch: undefined, next, gap: undefined };
    }
    const slice = { at, batch: new EventBatch(items, this.parse), next, gap: undefined };
    this.recent.unshift(new WeakRef(slice));
    if (this.recent.length > SHARED_SLICES) this.recent.pop();
    return this.share(slice);
  }

  private merge(
    start: FeedPosition,
    parts: readonly (LogSlice | undefined)[],
  ): { items: readonly Deliverable[]; next: FeedPosition } {
    if (parts.length > 1) return mergeSlices(this.keys, start, parts);
    const items = parts[0]?.entries ?? [];
    return { items, next: items.length === 0 ? start : [items[items.length - 1]?.position] };
  }

  private noteEnds(parts: readonly (LogSlice | undefined)[], next: FeedPosition): void {
    for (const [i, part] of parts.entries()) {
      if (!part || (part.more && part.entries.length > 0)) continue;
      const last = part.entries[part.entries.length - 1]?.position ?? part.from;
      if (last === next[i]) this.ends[i] = last;
    }
  }
}

// JSON tells the empty string and `undefined` apart.
function keyOf(at: FeedPosition): string {
  return JSON.stringify(at);
}

function samePosition(a: FeedPosition, b: FeedPosition): boolean {
  return a === b || a.every((position, i) => position === b[i]);
}
