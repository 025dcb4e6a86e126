// Longer than most: one read loop serves all subscriptions of a channel, and its states belong together.
import { ask } from './ask.js';
import { formatCursor, type ChannelKey, type LogPosition, type FeedPosition } from '../log/cursor.js';
import { EventBatch } from './event-batch.js';
import type { Awaitable, EventLog, LogSlice, ReadLimit } from '../log/event-log.js';
import type { Deliverable, Parse } from '../log/log-entry.js';
import { LiveReaders, type BatchConsumer, type LiveReader } from './live-readers.js';
import { mergeSlices } from './merge-slices.js';
import { deliveries, type Deliverer } from '../time/slices.js';

/** The result of a read of a feed. */
export interface FeedSlice {
  readonly at: FeedPosition;
  /** The events after `at`; `undefined` if there is a gap, or if only the position has changed. */
  readonly batch: EventBatch | undefined;
  readonly next: FeedPosition;
  /** Set if events after `at` are lost. `oldest` is the id of the oldest event that is kept. */
  readonly gap: { readonly oldest: string | null } | undefined;
}

/** A reader of a feed. It is woken when there may be events since a read has returned none. */
export interface FeedReader extends LiveReader, Deliverer {
  /** Set by {@link Feed} only: it waits to be woken in a later turn. */
  queued: boolean;
  /** The feed was closed. */
  end(): void;
}

/** The maximum size of one read, one batch and one write. A slow reader can keep this much in memory. */
export const BATCH_LIMIT: ReadLimit = { events: 256, bytes: 65_536 };

/** A subscription to many channels reads at least this many events of each, so that a read is worth its round trip. */
const MIN_EVENTS = 16;

const SHARED_SLICES = 8;

/**
 * Reads one set of channels for all subscriptions of this process to that set. It has no queue. Readers pass their position, and
 * readers at the same position receive the same slice. Work that does not fit into one turn of the event
 * loop continues in the next one.
 *
 * `wakeUps` counts the calls of the log's listener. A read that began before the last wake-up may lack the newest events. So its
 * result must not be noted as the end of a channel, or that wake-up would be lost.
 */
export class Feed {
  /** Readers with their own position. */
  private readonly readers = new Set<FeedReader>();
  private readonly live = new LiveReaders<FeedReader>(() => this.advance());
  /** True while a batch for the live readers is being read or delivered. */
  private advancing = false;
  /** The known end of each channel, until the next wake-up for it. */
  private readonly ends: (LogPosition | undefined)[];
  /** The last slice that was read during the current wake-up. */
  private current: FeedSlice | undefined;
  private waking = false;
  /** True if {@link release} waits for a later turn. */
  private releasing = false;
  /** Releases the current slice, after all readers were woken. */
  private readonly release: Deliverer = {
    wake: () => {
      this.waking = this.releasing = false;
      this.current = undefined;
    },
    fail: () => undefined,
  };
  /** Slices that readers may still hold. Weak references, because only the log decides how long an event is kept. */
  private recent: WeakRef<FeedSlice>[] = [];
  private readonly loading = new Map<string, Promise<FeedSlice | undefined>>();
  private readonly unwatch: () => void;
  private readonly limit: ReadLimit;
  wakeUps = 0;

  constructor(
    readonly keys: readonly ChannelKey[],
    private readonly log: EventLog,
    private readonly parse: Parse,
  ) {
    this.ends = keys.map(() => undefined);
    this.limit = {
      ...BATCH_LIMIT,
      events: Math.trunc(Math.max(BATCH_LIMIT.events / keys.length, MIN_EVENTS)),
    };
    this.unwatch = log.watch(
      keys.map(({ name }) => name),
      (changed) => this.wake(changed),
    );
  }

  /** The number of readers. */
  get size(): number {
    return this.readers.size + this.live.size;
  }
  /** The position of a live reader. */
  positionOf(reader: FeedReader): FeedPosition {
    return this.live.positionOf(reader);
  }

  add(reader: FeedReader): void {
    this.readers.add(reader);
  }

  /** Returns false if the reader was not one of this feed. */
  delete(reader: FeedReader): boolean {
    return this.readers.delete(reader) || this.live.delete(reader);
  }

  /** Calls `action` with all readers. */
  each(action: (reader: FeedReader) => void): void {
    for (const reader of [...this.readers, ...this.live.readers()]) action(reader);
  }

  /** Makes a reader live that has read everything up to `at`. Returns `false` if the live readers are at another position. */
  follow(reader: FeedReader, at: FeedPosition, consumer: BatchConsumer): boolean {
    if (this.live.size === 0) this.live.at = at;
    else if (!samePosition(this.live.at, at)) return false;
    this.readers.delete(reader);
    this.live.add(reader, consumer);
    return true;
  }

  /** Makes a live reader one with its own position. */
  unfollow(reader: FeedReader): void {
    if (this.live.delete(reader)) this.readers.add(reader);
  }

  /** Returns the slice after a position, or `undefined` if there are no events until the next wake-up. Never throws. */
  read(at: FeedPosition): Awaitable<FeedSlice | undefined> {
    // Shortcuts: most readers are at the end, and most of the others are at the same position.
    if (at.every((position, i) => position !== undefined && position === this.ends[i])) return undefined;
    const shared = this.shared(at) ?? (this.loading.size > 0 ? this.loading.get(this.keyOf(at)) : undefined);
    if (shared) return shared;
    const parts: Awaitable<LogSlice | undefined>[] = [];
    let hasPart = false;
    let hasPromise = false;
    for (const [i, { name }] of this.keys.entries()) {
      const end = this.ends[i];
      const isEnd = end !== undefined && end === at[i];
      const part = isEnd ? undefined : ask(() => this.log.read(name, at[i], this.limit));
      hasPart ||= part !== undefined;
      hasPromise ||= part instanceof Promise;
      parts.push(part);
    }
    if (!hasPart) return undefined;
    return hasPromise
      ? this.load(at, parts)
      : this.slice(at, parts as (LogSlice | undefined)[], this.wakeUps);
  }

  /** The cursor of a position. */
  cursor(at: FeedPosition): string {
    return formatCursor(this.keys, at);
  }

  /** Called after the last reader has left. */
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
    for (const reader of this.readers) this.notify(reader);
    if (deliveries.admits()) this.release.wake();
    else if (!this.releasing) deliveries.add(this.release);
    this.releasing = this.waking;
  }

  /** Wakes a reader, now or in a later turn. */
  notify(reader: FeedReader): void {
    if (reader.queued) return;
    reader.queued = true;
    if (deliveries.admits()) wakeReader(reader);
    else deliveries.add(reader);
  }

  /** Delivers new events to the live readers. If there is a gap, or the log fails, each of them reads on its own. */
  private advance(): void {
    const { live } = this;
    this.advancing = true;
    let waits = false;
    try {
      while (live.size > 0 && !waits) {
        const slice = this.read(live.at);
        if (slice === undefined) break;
        waits = slice instanceof Promise || !this.deliver(slice);
        if (slice instanceof Promise) this.advanceLater(slice);
      }
    } finally {
      this.advancing = waits;
    }
  }

  private advanceLater(loading: Promise<FeedSlice | undefined>): void {
    const { wakeUps } = this;
    loading.then(
      (slice) => {
        // Without a wake-up, the answer would be the same again.
        if (!slice && wakeUps === this.wakeUps) this.advancing = false;
        else if (!slice || this.deliver(slice)) this.advance();
      },
      () => {
        this.live.dropAll();
        this.advancing = false;
      },
    );
  }

  /** Returns `false` if the delivery takes more than one turn. */
  private deliver({ at, batch, gap, next }: FeedSlice): boolean {
    const { live } = this;
    // All readers for which the slice was read may have left meanwhile.
    if (!samePosition(at, live.at)) return true;
    if (batch && !gap) return live.deliver(batch, next);
    live.dropAll();
    return true;
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
    const key = this.keyOf(at);
    const loading = Promise.all(parts)
      .then((slices) => this.slice(at, slices, wakeUps))
      .finally(() => this.loading.delete(key));
    this.loading.set(key, loading);
    return loading;
  }

  /** Reads that can be shared. One that began before the last wake-up may lack the newest events, so nobody else may take its answer. */
  private keyOf(at: FeedPosition): string {
    // JSON distinguishes the empty string from `undefined`.
    return JSON.stringify([this.wakeUps, ...at]);
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

/** Wakes a reader. An error, of `parse` for example, is its own: the caller may be the log. */
export function wakeReader(reader: FeedReader): void {
  try {
    reader.wake();
  } catch (error) {
    reader.fail(error);
  }
}

function samePosition(a: FeedPosition, b: FeedPosition): boolean {
  return a === b || a.every((position, i) => position === b[i]);
}
