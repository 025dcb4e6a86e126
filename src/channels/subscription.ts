import type { ChannelKey } from '../log/cursor.js';
import type { SseEvent } from '../events/sse-event.js';
import { CursorReader, type ReaderOwner } from './cursor-reader.js';
import type { EventBatch } from './event-batch.js';
import type { BatchConsumer } from './live-readers.js';
import type { Feeds } from './feeds.js';
import type { GapEvent } from '../events/library-events.js';
import type { ChannelEvent, SubscribeOptions } from './subscription.options.js';

const BRAND = Symbol.for('nestjs-event-stream:subscription');

interface Parked<E> {
  resolve(result: IteratorResult<E, undefined>): void;
  reject(error: unknown): void;
}

/**
 * The events of one or more channels from a place on, in order, each once, or a gap event that says where some are
 * missing. One consumer iterates it, or takes batches; both move the same position. It starts where things stand when
 * it is made, and counts as a subscriber from when it is first asked.
 */
export class ChannelSubscription<T = unknown, G extends GapEvent = GapEvent>
  implements AsyncIterableIterator<ChannelEvent<T> | G, undefined>, ReaderOwner
{
  declare readonly [BRAND]: true;
  private readonly reader: CursorReader;
  /** What next() is giving out, and how far. */
  private batch: EventBatch | undefined;
  private index = 0;
  private parked: Parked<ChannelEvent<T> | G>[] | undefined;
  private callback: (() => void) | undefined;
  private armed = false;
  private waiters: (() => void)[] | undefined;

  /** @internal Made by `subscribe()`. */
  constructor(feeds: Feeds, keys: readonly ChannelKey[], options: SubscribeOptions<T>) {
    this.reader = new CursorReader(feeds, keys, options, this);
  }

  /**
   * The id with which to resume after what was taken so far. A client that is sent it (a block with an `id` and no data)
   * misses nothing that is published before its first event. `undefined` before `ready`, and where everything kept is
   * still to come.
   */
  get cursor(): string | undefined {
    return this.reader.cursor;
  }

  /** Whether nothing more comes. */
  get ended(): boolean {
    return this.reader.ended && (this.batch === undefined || this.reader.aborted);
  }

  /** Settles when the start is fixed: what is published from then on comes. Never rejects. */
  get ready(): Promise<void> {
    this.reader.begin();
    if (this.reader.positioned || this.reader.ended) return Promise.resolve();
    return new Promise((resolve) => (this.waiters ??= []).push(resolve));
  }

  next(): Promise<IteratorResult<ChannelEvent<T> | G, undefined>> {
    this.reader.begin();
    if (this.parked === undefined) {
      const value = this.nextEvent();
      if (value) return Promise.resolve({ value, done: false });
      const { failure } = this.reader;
      this.reader.failure = undefined;
      if (failure) return Promise.reject(failure.error);
      if (this.reader.ended) return Promise.resolve(DONE);
    }
    return new Promise((resolve, reject) => (this.parked ??= []).push({ resolve, reject }));
  }

  /** Ends the subscription; a parked `next()` resolves as done. */
  return(): Promise<IteratorResult<ChannelEvent<T> | G, undefined>> {
    this.close();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * What is there now as one batch, shared with all who are at the same place; `undefined` if nothing is. Then the
   * function given to `onReadable` is called once when there may be something, or when `ended` has become true.
   *
   * @throws what made the subscription fail, once.
   */
  take(): EventBatch | undefined {
    this.reader.begin();
    const { batch } = this;
    this.batch = undefined;
    if (batch && !this.reader.aborted) return batch.with(batch.items.slice(this.index));
    const pulled = this.reader.pull();
    if (pulled) return pulled;
    const { failure } = this.reader;
    this.reader.failure = undefined;
    if (failure) throw failure.error;
    this.armed = !this.reader.ended;
    return undefined;
  }

  /**
   * Who is called after `take()` found nothing. It is called in the turn of the publisher, with its async context, and
   * may call `take()`.
   */
  onReadable(callback: () => void): void {
    this.callback = callback;
  }

  /**
   * @internal After `take()` found nothing: `consumer` is given the batches that come, without being called for each,
   * until it has no room for one. Where that cannot be, it is called as ever.
   */
  follow(consumer: BatchConsumer): void {
    if (this.batch === undefined && !this.parked) this.reader.follow(consumer);
  }

  /** @internal Fails with what keeps the log from saying where the subscription starts, unless it has said so by now. */
  giveUp(): void {
    this.reader.giveUp();
  }

  /** Ends the subscription; what it holds is dropped. */
  close(): void {
    this.batch = undefined;
    this.reader.end();
  }

  /** @internal The reader may have something. */
  news(): void {
    if (this.waiters && (this.reader.positioned || this.reader.ended)) this.letIn();
    while (this.parked) {
      const value = this.nextEvent();
      if (!value && !this.reader.ended) return;
      // An end that comes of asking for the value calls this again.
      const first = this.parked?.shift();
      if (this.parked?.length === 0) this.parked = undefined;
      const { failure } = this.reader;
      if (value) first?.resolve({ value, done: false });
      else if (failure) first?.reject(failure.error);
      else first?.resolve(DONE);
      if (!value) this.reader.failure = undefined;
    }
    if (!this.armed) return;
    this.armed = false;
    this.callback?.();
  }

  private nextEvent(): ChannelEvent<T> | G | undefined {
    if (this.reader.aborted) this.batch = undefined;
    if (this.batch === undefined) {
      this.batch = this.reader.pull();
      this.index = 0;
    }
    let event: SseEvent | undefined;
    try {
      event = this.batch?.event(this.index++);
    } catch (error) {
      // The `parse` of the application has thrown. The caller may be the log, which cannot do anything about it.
      this.batch = undefined;
      this.reader.failure ??= { error };
      this.reader.end();
    }
    if (this.batch && this.index >= this.batch.size) this.batch = undefined;
    return event as ChannelEvent<T> | G | undefined;
  }

  private letIn(): void {
    const { waiters } = this;
    this.waiters = undefined;
    for (const resolve of waiters ?? []) resolve();
  }
}
Object.defineProperty(ChannelSubscription.prototype, BRAND, { value: true });

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true };

/** Whether a value is a {@link ChannelSubscription}, of this or another copy of the package. */
export function isChannelSubscription(value: unknown): value is ChannelSubscription {
  return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true;
}
