import type { SseEvent } from '../events/sse-event.js';
import type { ReaderOwner, SubscriptionReader } from './subscription-reader.js';
import type { EventBatch } from './event-batch.js';
import type { BatchConsumer } from './live-readers.js';
import type { GapEvent } from '../events/library-events.js';
import type { ChannelEvent } from './subscription.options.js';

const BRAND = Symbol.for('nestjs-event-stream:subscription');

/** A pending `next()`. */
interface PendingNext<E> {
  resolve(result: IteratorResult<E, undefined>): void;
  reject(error: unknown): void;
}

/**
 * The events of one or more channels, in order, each exactly once. A gap event marks a place where events are missing. One
 * consumer iterates it or takes batches, which both move the same position. The start is fixed when the subscription is created.
 * It counts as a subscriber from its first use.
 */
export class ChannelSubscription<
  T = unknown,
  G extends GapEvent = GapEvent,
  Event extends SseEvent = ChannelEvent<T>,
>
  implements AsyncIterableIterator<Event | G, undefined>, ReaderOwner
{
  declare readonly [BRAND]: true;
  private readonly reader: SubscriptionReader;
  /** The batch from which `next()` returns events, and the index of the next one. */
  private batch: EventBatch | undefined;
  private index = 0;
  private pending: PendingNext<Event | G>[] | undefined;
  private callback: (() => void) | undefined;
  private armed = false;
  private waiters: (() => void)[] | undefined;
  /** @internal The stream that sends the subscription. Without one, nobody learns how the release of a snapshot has failed. */
  stream: Pick<ReaderOwner, 'teardownFailed'> | undefined;

  /** @internal Made by `subscribe()`. */
  constructor(makeReader: (owner: ReaderOwner) => SubscriptionReader) {
    this.reader = makeReader(this);
  }

  /**
   * The id with which to resume after the events that were taken. Send it to a client in a block without data, so that the client
   * can resume even before its first event. `undefined` before `ready`, and at a start before the oldest event.
   */
  get cursor(): string | undefined {
    return this.reader.cursor;
  }

  /** True if there are no more events. */
  get ended(): boolean {
    return this.reader.ended && (this.batch === undefined || this.reader.aborted);
  }

  /** Resolves when the log has returned the start. All events that are published after that follow. Never rejects. */
  get ready(): Promise<void> {
    this.reader.begin();
    if (this.reader.positioned || this.reader.ended) return Promise.resolve();
    return new Promise((resolve) => (this.waiters ??= []).push(resolve));
  }

  next(): Promise<IteratorResult<Event | G, undefined>> {
    this.reader.begin();
    if (this.pending === undefined) {
      const value = this.nextEvent();
      if (value) return Promise.resolve({ value, done: false });
      const { failure } = this.reader;
      this.reader.failure = undefined;
      if (failure) return Promise.reject(failure.error);
      if (this.reader.ended) return Promise.resolve(DONE);
    }
    return new Promise((resolve, reject) => (this.pending ??= []).push({ resolve, reject }));
  }

  /** Ends the subscription. A pending `next()` resolves as done. */
  return(): Promise<IteratorResult<Event | G, undefined>> {
    this.close();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * Returns all available events as one batch, which is shared with other subscriptions at the same position. Without
   * events, returns `undefined`. The callback of `onReadable()` is then called once there may be events, or when `ended` becomes true.
   *
   * @throws the error with which the subscription has failed, once.
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
   * Sets the callback for `take()`. It is called in the async context of a publisher, and may call `take()`. With many subscriptions
   * that is in a turn after that of the publisher, because the calls of one turn are limited.
   */
  onReadable(callback: () => void): void {
    this.callback = callback;
  }

  /**
   * @internal After `take()` has returned `undefined`: passes new batches directly to `consumer`, until it is not ready. If that
   * is not possible, the callback of `onReadable()` is called as usual.
   */
  follow(consumer: BatchConsumer): void {
    if (this.batch === undefined && !this.pending) this.reader.follow(consumer);
  }

  /** @internal Fails if the log has not returned the start yet. */
  giveUp(): void {
    this.reader.giveUp();
  }

  /** Ends the subscription and drops events that were not returned. */
  close(): void {
    this.batch = undefined;
    this.reader.end();
  }

  /** @internal Called by the reader. */
  teardownFailed(error: unknown): void {
    this.stream?.teardownFailed(error);
  }

  /** @internal Called by the reader. */
  notify(): void {
    if (this.waiters && (this.reader.positioned || this.reader.ended)) this.resolveReady();
    while (this.pending) {
      const value = this.nextEvent();
      if (!value && !this.reader.ended) return;
      // nextEvent() can end the reader, which calls this method again.
      const first = this.pending?.shift();
      if (this.pending?.length === 0) this.pending = undefined;
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

  private nextEvent(): Event | G | undefined {
    if (this.reader.aborted) this.batch = undefined;
    if (this.batch === undefined) {
      this.batch = this.reader.pull();
      this.index = 0;
    }
    let event: SseEvent | undefined;
    try {
      event = this.batch?.event(this.index++);
    } catch (error) {
      // The `parse` of the application has thrown. The caller may be the log, which must not receive that error.
      this.batch = undefined;
      this.reader.failure ??= { error };
      this.reader.end();
    }
    if (this.batch && this.index >= this.batch.size) this.batch = undefined;
    return event as Event | G | undefined;
  }

  private resolveReady(): void {
    const { waiters } = this;
    this.waiters = undefined;
    for (const resolve of waiters ?? []) resolve();
  }
}
Object.defineProperty(ChannelSubscription.prototype, BRAND, { value: true });

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true };

/** True if a value is a {@link ChannelSubscription} of this or another copy of the package. */
export function isChannelSubscription(value: unknown): value is ChannelSubscription {
  return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true;
}
