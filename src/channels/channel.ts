import type { SseEvent } from '../events/sse-event.js';
import type { Serialize } from '../events/to-event.js';
import { formatCursor, type ChannelKey } from '../log/cursor.js';
import type { Feeds } from './feeds.js';
import { toRecord } from '../log/log-record.js';
import { checkAfter } from './start-position.js';
import { ChannelSubscription } from './subscription.js';
import {
  checkSubscribeOptions,
  gapType,
  type SubscribeOptions,
  type WithoutGaps,
} from './subscription.options.js';

/** What can be published: a payload, or an event made by `event()`. */
export type Publishable<T> = T | SseEvent;

/** What a channel takes over from the `Channels` it belongs to. */
export interface ChannelSettings {
  readonly serialize: Serialize | undefined;
  readonly gap: string | false | undefined;
}

/** A named sequence of events: published anywhere, read from any place that is kept. Holds nothing itself. */
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
   * Adds an event, or an array of them as neighbours, all or none (an array as payload goes into `event({ data })`, or into an array).
   * Resolves with the id, or ids, once the log has them.
   *
   * @throws {SseError} as a rejection: `SSE_NOT_SERIALIZABLE`, `SSE_INVALID_FIELD`, `SSE_INVALID_RAW`,
   * `SSE_EVENT_TOO_LARGE`, `SSE_ID_ORDER`, `SSE_LOG_UNAVAILABLE`.
   */
  publish(events: readonly Publishable<T>[]): Promise<string[]>;
  publish(event: Exclude<Publishable<T>, readonly unknown[]>): Promise<string>;
  async publish(given: Publishable<T> | readonly Publishable<T>[]): Promise<string | string[]> {
    const many = Array.isArray(given);
    const values: readonly unknown[] = many ? given : [given];
    const records = values.map((value) => toRecord(value, this.settings.serialize));
    const answer = this.feeds.log.append(this.name, records);
    // Awaited only where there is something to wait for: a loop of publishes is shorter by a turn of the queue each.
    const positions = answer instanceof Promise ? await answer : answer;
    const ids = positions.map((position, i) => records[i]?.id ?? formatCursor([this.key], [position]));
    return many ? ids : (ids[0] as string);
  }

  /**
   * The events of this channel from a place on, for a handler to return or to iterate.
   *
   * @throws {SseError} `SSE_INVALID_CURSOR` if `after` cannot be an id of this channel; `SSE_INVALID_OPTIONS`;
   * `SSE_INVALID_FIELD` if no event can have the type `gap`.
   * @example
   * @Sse('news') news(@LastEventId() after?: string) { return this.channels.channel('news').subscribe({ after }); }
   */
  subscribe(options: SubscribeOptions<T> & WithoutGaps): ChannelSubscription<T, never>;
  subscribe(options?: SubscribeOptions<T>): ChannelSubscription<T>;
  subscribe(options: SubscribeOptions<T> = {}): ChannelSubscription<T> {
    return openSubscription([this.key], this.feeds, this.settings, options);
  }

  /** How many subscribe to this channel in this process, alone or with others. */
  size(): number {
    return this.feeds.size(this.name);
  }
}

/** @internal A subscription to channels that are known to be good. */
export function openSubscription<T>(
  keys: readonly ChannelKey[],
  feeds: Feeds,
  settings: ChannelSettings,
  given: SubscribeOptions<T>,
): ChannelSubscription<T> {
  checkSubscribeOptions(given);
  const options = given.gap === undefined ? { ...given, gap: settings.gap } : given;
  checkAfter(keys, options.after);
  gapType(options);
  return new ChannelSubscription(feeds, keys, options);
}
