import { immediate } from '../errors/guard.js';
import { SseError, isSseError } from '../errors/sse.errors.js';
import { formatCursor, type ChannelKey, type FeedPosition } from '../log/cursor.js';
import { EventBatch } from './event-batch.js';
import type { Feed, FeedReader, FeedSlice } from './feed.js';
import type { Feeds } from './feeds.js';
import type { BatchConsumer } from './live-readers.js';
import { GapNotice } from './gap-notice.js';
import { startPosition } from './start-position.js';
import { gapType, type ChannelEvent, type SubscribeOptions } from './subscription.options.js';

/** Who takes what a {@link CursorReader} reads. */
export interface ReaderOwner {
  /** There may be something to pull, or the reader is positioned, has ended or failed. */
  news(): void;
}

/**
 * A position in some channels that moves on as events are pulled: all that a subscription is. It knows no queue; what
 * it has not pulled is in the log, or gone.
 */
export class CursorReader implements FeedReader {
  ended = false;
  /** Why it ended, if that was an error. */
  failure: { readonly error: unknown } | undefined;
  /** The signal aborted: what was pulled and not given out is not wanted any more. */
  aborted = false;
  private feed: Feed | undefined;
  private own: FeedPosition | undefined;
  /** Whether its place is that of the feed's live readers. */
  private live = false;
  /** What the client asked for, until something has followed it. */
  private requested: string | undefined;
  private begun = false;
  private waiting = false;
  private loaded: FeedSlice | undefined;
  private pulling = false;
  /** What the log failed with when it was last asked. */
  private outage: unknown;

  constructor(
    private readonly feeds: Feeds,
    private readonly keys: readonly ChannelKey[],
    private readonly options: SubscribeOptions<never>,
    private readonly owner: ReaderOwner,
  ) {
    this.requested = options.after === '' ? undefined : options.after;
    this.locate();
  }

  private get position(): FeedPosition | undefined {
    return this.live ? this.feed?.placeOf(this) : this.own;
  }

  /** Whether the start is fixed. */
  get positioned(): boolean {
    return this.position !== undefined;
  }

  /** The cursor after what was pulled so far; `undefined` while that is no place in the log. */
  get cursor(): string | undefined {
    return (this.position && formatCursor(this.keys, this.position)) || undefined;
  }

  /** Makes itself known. Until then it holds nothing that would have to be let go of. */
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

  /** The next events, `undefined` if there are none now; news come when there are. */
  pull(): EventBatch | undefined {
    // A filter that publishes may come back here.
    if (this.pulling) return undefined;
    if (this.live) this.leaveLive();
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
   * Has `consumer` be given what comes, as it comes, in place of news; called where `pull()` found nothing. News come
   * again once the consumer had no room, or there is more to it than a batch for all. `false`: that is so already.
   */
  follow(consumer: BatchConsumer): boolean {
    const { feed, own, options, waiting, ended } = this;
    if (!feed || !own || waiting || ended || options.filter || options.until) return false;
    this.live = feed.follow(this, own, consumer);
    return this.live;
  }

  fallBehind(at: FeedPosition): void {
    this.live = false;
    this.feed?.add(this);
    this.moveTo(at);
    this.owner.news();
  }

  /** Lets go of everything. */
  end(): void {
    if (this.ended) return;
    // The others go on without it.
    if (this.live) this.leaveLive();
    this.ended = true;
    this.loaded = undefined;
    if (this.feed) this.feeds.leave(this.feed, this);
    this.options.signal?.removeEventListener('abort', this);
    // Whoever pulls now finds out by itself, after it was given what came before the end.
    if (!this.pulling) this.owner.news();
  }

  /** Fails if the log has not said yet where to start. */
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
    this.owner.news();
  }

  private leaveLive(): void {
    const { feed } = this;
    if (!feed) return;
    this.moveTo(feed.placeOf(this));
    this.live = false;
    feed.unfollow(this);
  }

  private moveTo(at: FeedPosition): void {
    if (at !== this.own) this.requested = undefined;
    this.own = at;
  }

  /** The signal aborted. */
  handleEvent(): void {
    this.aborted = true;
    this.end();
  }

  private locate(): void {
    const answer = startPosition(this.feeds.log, this.keys, this.options);
    if (answer instanceof Promise) this.wait(answer, (position) => (this.own = position));
    else this.own = answer;
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
        this.wakeOwner();
      },
      (error: unknown) => {
        this.waiting = false;
        this.stumble(error);
        // A wake-up that came before the failure was known would not come again.
        if (wakeUps !== this.feed?.wakeUps) this.wake();
      },
    );
  }

  /** Nobody waits for the answer of the log: an event that cannot be parsed fails the subscription. */
  private wakeOwner(): void {
    try {
      this.owner.news();
    } catch (error) {
      this.fail(error);
    }
  }

  /** While the log is out of reach there is nothing to do but wait for the wake-up after it. */
  private stumble(error: unknown): void {
    if (!isSseError(error, 'SSE_LOG_UNAVAILABLE')) return this.fail(error);
    this.outage = error;
  }

  private accept(slice: FeedSlice): EventBatch | undefined {
    const { requested } = this;
    this.own = slice.next;
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
        const event = batch.event(i) as ChannelEvent<never>;
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
  return new SseError('SSE_LOG_UNAVAILABLE', 'The event log did not say where a subscription starts.', {
    remedy: 'Subscribe again once channels.health() is "up".',
  });
}
