import type { AnyContract } from '../events/event-contract.js';
import type { GapEvent } from '../events/library-events.js';
import type { SseEvent } from '../events/sse-event.js';
import type { Serialize } from '../events/to-event.js';
import { validateValue } from '../events/valid-value.js';
import { formatCursor, type ChannelKey, type FeedPosition } from '../log/cursor.js';
import type { Awaitable } from '../log/event-log.js';
import { CursorReader } from './cursor-reader.js';
import type { Feeds } from './feeds.js';
import type { Folds } from './folds/folds.js';
import type { Fold } from './folds/fold.js';
import { ApplicationState } from './snapshot/application-state.js';
import { toRecord } from '../log/log-record.js';
import { publishIn, type PublishOptions } from './publish-in.js';
import { checkAfter, startPosition } from './start-position.js';
import { ChannelSubscription } from './subscription.js';
import {
  checkSubscribeOptions,
  gapType,
  type ChannelEvent,
  type ReaderOptions,
  type SubscribeOptions,
  type WithoutGaps,
} from './subscription.options.js';

/** A value that can be published: a payload, or an event made by `event()`. */
export type Publishable<T> = T | SseEvent;

/** The settings of `Channels` that each channel uses. */
export interface ChannelSettings {
  readonly serialize: Serialize | undefined;
  readonly gap: string | false | undefined;
  /** The contract by which published events are validated. */
  readonly contract?: AnyContract | undefined;
  readonly folds: Folds;
  /** The fold of the channel. */
  readonly fold?: Fold | undefined;
}

/** A named sequence of events in the log. The object itself holds no resources. */
export class Channel<T = unknown> {
  /** @internal Made by `Channels.channel()`. */
  constructor(
    private readonly key: ChannelKey,
    private readonly feeds: Feeds,
    private readonly settings: ChannelSettings,
  ) {}

  get name(): string {
    return this.key.name;
  }

  /**
   * Publishes an event, or an array of events that stay consecutive, all or none of them. To publish an array as a payload, use
   * `event({ data })` or an array of arrays. Resolves with the id or ids once the log has stored them.
   *
   * With `tx` the events are published when that transaction commits, and not if it rolls back. It then resolves without an id
   * once the transaction has them. Await it before you commit.
   *
   * @throws {SseError} as a rejection: `SSE_NOT_SERIALIZABLE`, `SSE_INVALID_FIELD`, `SSE_INVALID_RAW`,
   * `SSE_EVENT_TOO_LARGE`, `SSE_ID_ORDER`, `SSE_INVALID_TRANSACTION`, `SSE_LOG_UNAVAILABLE`.
   */
  publish(events: readonly Publishable<T>[], options: PublishOptions): Promise<void>;
  publish(event: Exclude<Publishable<T>, readonly unknown[]>, options: PublishOptions): Promise<void>;
  publish(events: readonly Publishable<T>[]): Promise<string[]>;
  publish(event: Exclude<Publishable<T>, readonly unknown[]>): Promise<string>;
  async publish(
    given: Publishable<T> | readonly Publishable<T>[],
    options?: PublishOptions,
  ): Promise<string | string[] | void> {
    const many = Array.isArray(given);
    const values: readonly unknown[] = many ? given : [given];
    const { serialize, contract, fold, folds } = this.settings;
    const records = values.map((value) => toRecord(value, serialize));
    // Every value is payload: only an event made by event() or a creator has a name.
    if (contract) for (const value of values) validateValue(contract, value, 'data');
    if (fold) folds.get(fold, { channel: this.name }).published();
    if (options !== undefined) return publishIn(this.feeds.log, this.name, records, options);
    const answer = this.feeds.log.append(this.name, records);
    // A synchronous answer is not awaited, which saves a microtask for each publish.
    const positions = answer instanceof Promise ? await answer : answer;
    const ids = positions.map((position, i) => records[i]?.id ?? formatCursor([this.key], [position]));
    return many ? ids : (ids[0] as string);
  }

  /**
   * Subscribes to the events of this channel. A handler returns the subscription, or iterates it.
   *
   * @throws {SseError} `SSE_INVALID_CURSOR` if `after` cannot be an id of this channel. `SSE_INVALID_OPTIONS`.
   * `SSE_INVALID_FIELD` if `gap` is not a valid event type.
   * @example
   * @Sse('news') news(@LastEventId() after?: string) { return this.channels.channel('news').subscribe({ after }); }
   */
  subscribe(options: SubscribeOptions<T> & WithoutGaps): ChannelSubscription<T, never>;
  subscribe(options?: SubscribeOptions<T>): ChannelSubscription<T>;
  subscribe(options: SubscribeOptions<T> = {}): ChannelSubscription<T> {
    return openSubscription([this.key], this.feeds, this.settings, options);
  }

  /** The number of subscriptions to this channel in this process, including those to several channels. */
  size(): number {
    return this.feeds.size(this.name);
  }
}

/** @internal Subscribes to channels whose names were checked. */
export function openSubscription<T, Event extends SseEvent = ChannelEvent<T>>(
  keys: readonly ChannelKey[],
  feeds: Feeds,
  settings: ChannelSettings,
  given: SubscribeOptions<T, Event>,
): ChannelSubscription<T, GapEvent, Event> {
  checkSubscribeOptions(given);
  const { snapshot, fold, ...others } = given;
  const options: ReaderOptions = { ...(others as ReaderOptions), gap: given.gap ?? settings.gap };
  checkAfter(keys, options.after);
  gapType(options);
  if (snapshot) {
    const locate = (): Awaitable<FeedPosition> => startPosition(feeds.log, keys, {});
    options.state = new ApplicationState(keys, snapshot, locate);
  } else if (fold || (fold === undefined && settings.fold)) {
    const channels = keys.map(({ name }) => ({ channel: name }));
    options.state = settings.folds.source((fold || settings.fold) as Fold, channels);
  }
  if (options.state) options.records = recordsOf(settings);
  return new ChannelSubscription((owner) => new CursorReader(feeds, keys, options, owner));
}

/** @internal How the values of a state become events. They are validated like events that are published. */
export function recordsOf({
  serialize,
  contract,
}: Pick<ChannelSettings, 'serialize' | 'contract'>): NonNullable<ReaderOptions['records']> {
  return { serialize, check: contract && ((value) => validateValue(contract, value, 'data')) };
}
