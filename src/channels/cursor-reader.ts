// Longer than most: the two states of a reader, and every change between them, are side by side.
import { immediate } from '../errors/guard.js';
import { SseError, isSseError } from '../errors/sse.errors.js';
import { formatCursor, type ChannelKey, type FeedPosition } from '../log/cursor.js';
import { EventBatch } from './event-batch.js';
import type { Feed, FeedReader, FeedSlice } from './feed.js';
import type { Feeds } from './feeds.js';
import type { BatchConsumer } from './live-readers.js';
import { GapNotice } from './gap-notice.js';
import { startPosition } from './start-position.js';
import { gapType, type SubscribeOptions } from './subscription.options.js';

/** The subscription of a {@link CursorReader}. */
export interface ReaderOwner {
  /** There may be events to pull, or the reader has got its position, has ended or has failed. */
  notify(): void;
}

/**
 * The position of a subscription. It moves on as events are pulled. There is no queue: events that were not pulled are in the
 * log, or evicted.
 *
 * ```text
 *                    follow()
 *        begin()   ──────────────▶         end()
 *   new ────────▶ own              live ──────────▶ ended
 *                  ◀──────────────                    ▲
 *            unfollow(), fallBehind()                 │
 *   (every state) ────────────────────────────────────┘
 * ```
 *
 * - new: it holds no resources. The log may still look for the start position (`waiting`).
 * - own: it reads at `ownPosition`. `waiting` is true while a read is pending. A slice that arrives meanwhile is in `loaded`.
 * - live: it has read everything, and its position is the common one of the feed's live readers. `ownPosition` is outdated.
 * - ended: `failure` has the error, if there was one.
 */
export class CursorReader implements FeedReader {
  ended = false;
  /** The error with which it ended. */
  failure: { readonly error: unknown } | undefined;
  /** The signal was aborted, so events that were pulled but not returned must be dropped. */
  aborted = false;
  private feed: Feed | undefined;
  private ownPosition: FeedPosition | undefined;
  private live = false;
  /** The cursor that the client sent, until the first event after it was pulled. Gap events contain it. */
  private requested: string | undefined;
  private begun = false;
  private waiting = false;
  private loaded: FeedSlice | undefined;
  /** True within `pull()`, which the filter of the application can call again. */
  private pulling = false;
  /** The error of the last call of the log. */
  private outage: unknown;

  constructor(
    private readonly feeds: Feeds,
    private readonly keys: readonly ChannelKey[],
    private readonly options: SubscribeOptions<never, never>,
    private readonly owner: ReaderOwner,
  ) {
    this.requested = options.after === '' ? undefined : options.after;
    this.locate();
  }

  private get position(): FeedPosition | undefined {
    return this.live ? this.feed?.positionOf(this) : this.ownPosition;
  }

  /** True once the start position is known. */
  get positioned(): boolean {
    return this.position !== undefined;
  }

  /** The cursor after the events that were pulled; `undefined` while there is no position, or it is before the oldest entry. */
  get cursor(): string | undefined {
    return (this.position && formatCursor(this.keys, this.position)) || undefined;
  }

  /** Joins the feed. Before that, the reader holds no resources. */
  begin(): void {
    if (this.begun) return;
    this.begun = true;
    const { signal } = this.options;
    if (signal?.aborted) return this.handleEvent();
    try {
      this.feed = this.feeds.join(this.keys, this);
    } catch (error) {
      return this.fail(error);
    }
    if (!this.feed) return this.end();
    signal?.addEventListener('abort', this);
  }

  /** Returns the next events. If there are none, returns `undefined` and calls `owner.notify()` later. */
  pull(): EventBatch | undefined {
    // A filter that publishes can call this again.
    if (this.pulling) return undefined;
    if (this.live) this.unfollow();
    this.pulling = true;
    try {
      while (!this.ended) {
        const slice = this.nextSlice();
        const batch = slice && this.accept(slice);
        if (!slice || batch) return batch;
      }
      return undefined;
    } finally {
      this.pulling = false;
    }
  }

  /**
   * Passes new batches directly to `consumer`, instead of calling `owner.notify()`. Called after `pull()` has returned
   * `undefined`. Notifications are used again once the consumer is not ready, or the readers need different batches. Returns
   * `false` if the reader cannot become live.
   */
  follow(consumer: BatchConsumer): boolean {
    const { feed, ownPosition, options, waiting, ended } = this;
    if (!feed || !ownPosition || waiting || ended || options.filter || options.until) return false;
    this.live = feed.follow(this, ownPosition, consumer);
    return this.live;
  }

  fallBehind(at: FeedPosition): void {
    this.live = false;
    this.feed?.add(this);
    this.moveTo(at);
    this.owner.notify();
  }

  /** Ends the reader and releases its resources. */
  end(): void {
    if (this.ended) return;
    // First, because the cursor must stay readable after the end.
    if (this.live) this.unfollow();
    this.ended = true;
    this.loaded = undefined;
    if (this.feed) this.feeds.leave(this.feed, this);
    this.options.signal?.removeEventListener('abort', this);
    // Within pull(), the caller first receives the events before the end.
    if (!this.pulling) this.owner.notify();
  }

  /** Fails if the log has not returned the start position yet. */
  giveUp(): void {
    if (!this.positioned) this.fail(this.outage ?? noAnswer());
  }

  fail(error: unknown): void {
    if (this.ended) return;
    this.failure = { error };
    this.end();
  }

  wake(): void {
    if (this.pulling || this.ended) return;
    if (!this.position && !this.waiting) this.locate();
    this.owner.notify();
  }

  private unfollow(): void {
    const { feed } = this;
    if (!feed) return;
    this.moveTo(feed.positionOf(this));
    this.live = false;
    feed.unfollow(this);
  }

  private moveTo(at: FeedPosition): void {
    if (at !== this.ownPosition) this.requested = undefined;
    this.ownPosition = at;
  }

  /** Called by the signal. */
  handleEvent(): void {
    this.aborted = true;
    this.end();
  }

  private locate(): void {
    const answer = startPosition(this.feeds.log, this.keys, this.options);
    if (answer instanceof Promise) this.wait(answer, (position) => (this.ownPosition = position));
    else this.ownPosition = answer;
  }

  private nextSlice(): FeedSlice | undefined {
    const { feed, loaded } = this;
    this.loaded = undefined;
    if (loaded) return loaded;
    if (this.waiting || !feed) return undefined;
    if (!this.position) this.locate();
    if (!this.position) return undefined;
    const answer = feed.read(this.position);
    if (!(answer instanceof Promise)) return answer;
    this.wait(answer, (slice) => (this.loaded = slice));
    return undefined;
  }

  private wait<V>(answer: Promise<V>, take: (value: V) => void): void {
    this.waiting = true;
    const wakeUps = this.feed?.wakeUps;
    answer.then(
      (value) => {
        this.waiting = false;
        if (this.ended) return;
        take(value);
        this.notifyOwner();
      },
      (error: unknown) => {
        this.waiting = false;
        this.logFailed(error);
        // A wake-up during the call was ignored, and would not be repeated.
        if (wakeUps !== this.feed?.wakeUps) this.wake();
      },
    );
  }

  /** Notifies the owner from a callback of the log. An error of `parse` fails the subscription, because no caller can catch it. */
  private notifyOwner(): void {
    try {
      this.owner.notify();
    } catch (error) {
      this.fail(error);
    }
  }

  /** While the log is unavailable, the reader waits for the wake-up after the outage. Any other error ends it. */
  private logFailed(error: unknown): void {
    if (!isSseError(error, 'SSE_LOG_UNAVAILABLE')) return this.fail(error);
    this.outage = error;
  }

  private accept(slice: FeedSlice): EventBatch | undefined {
    const { requested } = this;
    this.ownPosition = slice.next;
    this.requested = undefined;
    if (slice.gap) {
      return this.gapBatch(requested ?? formatCursor(this.keys, slice.at), slice.gap.oldest);
    }
    const { filter, until } = this.options;
    return slice.batch && (filter || until) ? this.select(slice.batch) : slice.batch;
  }

  private gapBatch(requested: string, oldest: string | null): EventBatch | undefined {
    const type = gapType(this.options);
    if (type === undefined) return undefined;
    return new EventBatch([new GapNotice(type, this.cursor ?? '', { requested, oldest })], JSON.parse);
  }

  private select(batch: EventBatch): EventBatch | undefined {
    const { filter, until } = this.options;
    const kept = [];
    try {
      for (const [i, item] of batch.items.entries()) {
        const event = batch.event(i) as never;
        const channel = item.channel?.name ?? '';
        if (filter && !immediate(filter(event, channel), 'filter')) continue;
        kept.push(item);
        if (!immediate(until?.(event, channel), 'until')) continue;
        this.end();
        break;
      }
    } catch (error) {
      this.fail(error);
    }
    return kept.length === 0 ? undefined : batch.with(kept);
  }
}

function noAnswer(): SseError {
  return new SseError(
    'SSE_LOG_UNAVAILABLE',
    'The event log did not return the start of a subscription in time.',
    {
      remedy: 'Subscribe again once channels.health() is "up".',
    },
  );
}
