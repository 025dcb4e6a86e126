// Longer than most: the two states of a reader, and every change between them, are side by side.
import { SseError, isSseError } from '../errors/sse.errors.js';
import { formatCursor, parseCursor, type ChannelKey, type FeedPosition } from '../log/cursor.js';
import type { Awaitable } from '../log/event-log.js';
import type { Deliverable } from '../log/log-entry.js';
import { toRecord, type LogRecord } from '../log/log-record.js';
import type { EventBatch } from './event-batch.js';
import { BATCH_LIMIT, wakeReader, type Feed, type FeedReader, type FeedSlice } from './feed.js';
import type { Feeds } from './feeds.js';
import type { BatchConsumer } from './live-readers.js';
import { gapBatch } from './gap-notice.js';
import { selectEvents } from './select-events.js';
import { StateDelivery } from './snapshot/state-delivery.js';
import { StateReading, type StateReader } from './snapshot/state-reading.js';
import type { ChannelState } from './snapshot/state-source.js';
import { UNKNOWN, startPosition } from './start-position.js';
import type { ReaderOwner, SubscriptionReader } from './subscription-reader.js';
import { gapType, type ReaderOptions } from './subscription.options.js';

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
 *   With a snapshot or a fold, it first takes a state and sends it (`states.busy`), also after a gap.
 * - live: it has read everything, and its position is the common one of the feed's live readers. `ownPosition` is outdated.
 * - ended: `failure` has the error, if there was one.
 */
export class CursorReader implements SubscriptionReader, FeedReader, StateReader {
  order = 0;
  queued = false;
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
  /** The wake-ups of the feed when the last read began, if it has found nothing. Until the next wake-up there is nothing. */
  private nothingSince: number | undefined;
  private loaded: FeedSlice | undefined;
  /** True within `pull()`, which the filter of the application can call again. */
  private pulling = false;
  /** The start is known, but the snapshot of the application takes long. */
  private late = false;
  /** The error of the last call of the log. */
  private outage: unknown;
  /** The states of a subscription with a snapshot or a fold. */
  private readonly states: StateReading | undefined;

  constructor(
    private readonly feeds: Feeds,
    private readonly keys: readonly ChannelKey[],
    private readonly options: ReaderOptions,
    private readonly owner: ReaderOwner,
  ) {
    this.requested = options.after === '' ? undefined : options.after;
    this.states = options.state && new StateReading(options.state, this);
    if (this.states && !this.isPlaced()) this.states.needed = 'start';
    else this.locate();
  }

  private get position(): FeedPosition | undefined {
    return this.live ? this.feed?.positionOf(this) : this.ownPosition;
  }

  /** True once the start position is known. With a snapshot, also the snapshot, unless it takes too long. */
  get positioned(): boolean {
    return this.position !== undefined || this.late;
  }

  /**
   * The cursor after the events that were pulled. `undefined` while there is no position, while a state is being sent, and before
   * the oldest entry.
   */
  get cursor(): string | undefined {
    if (this.states?.busy === true) return undefined;
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
    this.states?.open();
    this.states?.take();
  }

  /** Returns the next events. Without events, returns `undefined` and calls `owner.notify()` later. */
  pull(): EventBatch | undefined {
    // A filter that publishes can call this again.
    if (this.pulling) return undefined;
    if (this.live) this.unfollow();
    this.pulling = true;
    try {
      while (!this.ended) {
        if (this.states?.busy === true) {
          const batch = this.pullState(this.states);
          if (batch || this.waiting) return batch;
          continue;
        }
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
    this.states?.close();
    if (this.feed) this.feeds.leave(this.feed, this);
    this.options.signal?.removeEventListener('abort', this);
    // Within pull(), the caller first receives the events before the end.
    if (!this.pulling) this.owner.notify();
  }

  /** Fails if the log has not returned the start position yet. */
  giveUp(): void {
    if (this.positioned) return;
    if (this.states?.fixed !== true) return this.fail(this.outage ?? noAnswer());
    // The position is fixed, and only the snapshot of the application takes long.
    this.late = true;
    this.owner.notify();
  }

  fail(error: unknown): void {
    if (this.ended) return;
    this.failure = { error };
    this.end();
  }

  wake(): void {
    this.queued = false;
    if (this.pulling || this.ended) return;
    if (!this.position && !this.waiting && this.states?.busy !== true) this.locate();
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
    this.nothingSince = undefined;
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
    if (!this.position || this.nothingSince === feed.wakeUps) return undefined;
    const { wakeUps } = feed;
    const answer = feed.read(this.position);
    if (!(answer instanceof Promise)) return answer;
    this.wait(answer, (slice) => {
      this.loaded = slice;
      this.nothingSince = slice ? undefined : wakeUps;
    });
    return undefined;
  }

  place(at: FeedPosition | undefined): void {
    this.ownPosition = at ?? this.keys.map(() => UNKNOWN);
    this.nothingSince = undefined;
  }

  delivery({ at, values, records }: ChannelState): StateDelivery {
    const [key] = this.keys as [ChannelKey];
    const { serialize, check } = this.options.records ?? {};
    return new StateDelivery({
      ...{ key, id: formatCursor(this.keys, at), limit: BATCH_LIMIT },
      values: records ?? values,
      teardownFailed: (error) => this.teardownFailed(error),
      record: (value) => {
        if (records) return value as LogRecord;
        const record = toRecord(value, serialize);
        check?.(value);
        return record;
      },
    });
  }

  teardownFailed(error: unknown): void {
    this.owner.teardownFailed(error);
  }

  follows(at: FeedPosition): Awaitable<boolean> {
    const answer = this.feed?.read(at);
    return answer instanceof Promise ? answer.then((slice) => this.keep(slice)) : this.keep(answer);
  }

  private keep(slice: FeedSlice | undefined): boolean {
    if (slice?.gap) return false;
    this.loaded = slice;
    return true;
  }

  /** True if the client has a cursor with a position in each channel. */
  private isPlaced(): boolean {
    if (this.requested === undefined) return false;
    const known = parseCursor(this.requested);
    return !known || this.keys.every(({ tag }) => known.has(tag));
  }

  private pullState(states: StateReading): EventBatch | undefined {
    if (!this.waiting) states.take();
    if (this.waiting) return undefined;
    let items: readonly Deliverable[] | undefined;
    try {
      items = states.pull();
    } catch (error) {
      this.fail(error);
    }
    // The client resumes after the state that it has, and not after what it had before.
    if (items && !states.busy) this.requested = undefined;
    return items && items.length > 0 ? this.feeds.batch(items) : undefined;
  }

  wait<V>(answer: Promise<V>, take: (value: V) => void): void {
    this.waiting = true;
    const wakeUps = this.feed?.wakeUps;
    answer.then(
      (value) => {
        this.waiting = false;
        if (this.ended) return;
        take(value);
        if (this.feed) this.feed.notify(this);
        else wakeReader(this);
      },
      (error: unknown) => {
        this.waiting = false;
        this.logFailed(error);
        // A wake-up during the call was ignored, and would not be repeated.
        if (wakeUps !== this.feed?.wakeUps) this.feed?.notify(this);
      },
    );
  }

  /** While the log is unavailable, the reader waits for the wake-up after the outage. Any other error ends it. */
  private logFailed(error: unknown): void {
    if (!isSseError(error, 'SSE_LOG_UNAVAILABLE')) return this.fail(error);
    this.outage = error;
  }

  private accept(slice: FeedSlice): EventBatch | undefined {
    const { requested, states } = this;
    if (slice.gap && states && !states.exhausted) {
      states.needed = 'gap';
      return undefined;
    }
    if (states) states.exhausted = false;
    this.ownPosition = slice.next;
    this.nothingSince = this.requested = undefined;
    if (slice.gap) {
      const gap = { requested: requested ?? formatCursor(this.keys, slice.at), oldest: slice.gap.oldest };
      return gapBatch(gapType(this.options), this.cursor, gap);
    }
    return slice.batch && this.select(slice.batch);
  }

  private select(batch: EventBatch): EventBatch | undefined {
    if (!this.options.filter && !this.options.until) return batch;
    return selectEvents(batch, this.options, this);
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
