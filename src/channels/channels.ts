import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Serialize } from '../events/to-event.js';
import { SseError, quoted } from '../errors/sse.errors.js';
import { Channel, openSubscription, type ChannelSettings } from './channel.js';
import { MAX_TOPICS, channelKey, type ChannelKey } from '../log/cursor.js';
import type { EventLog, LineLogger, LogHealth } from '../log/event-log.js';
import { Feeds } from './feeds.js';
import type { Parse } from '../log/log-entry.js';
import { memoryLog } from '../log/memory-log.js';
import type { ChannelSubscription } from './subscription.js';
import type { SubscribeOptions, WithoutGaps } from './subscription.options.js';

/** Options of {@link Channels}. */
export interface ChannelsOptions {
  /** The log that stores the events. @default memoryLog() */
  log?: EventLog | undefined;
  /** Serializes payloads that are not strings. @default JSON.stringify */
  serialize?: Serialize | undefined;
  /** Parses payloads for filters, and for code that iterates a subscription. @default JSON.parse */
  parse?: Parse | undefined;
  /** The type of gap events. A subscription can override it. `false` sends none. @default 'gap' */
  gap?: string | false | undefined;
  /** The logger for an event log that goes down or is up again. @default none; `SseModule` passes a `Logger` of Nest */
  logger?: LineLogger | undefined;
}

/** The channels of an application. Every node that shares the log can publish, subscribe and resume. */
@Injectable()
export class Channels implements OnApplicationShutdown {
  private readonly feeds: Feeds;
  private readonly settings: ChannelSettings;

  constructor({ log = memoryLog(), serialize, parse = JSON.parse, gap, logger }: ChannelsOptions = {}) {
    if (logger) log.useLogger?.(logger);
    this.feeds = new Feeds(log, parse);
    this.settings = { serialize, gap };
  }

  /**
   * The channel with this name. The object is cheap, so call this whenever you need it.
   *
   * @throws {SseError} `SSE_INVALID_CHANNEL` for a name that is empty, has more than 256 bytes, or has control characters.
   * @example
   * await channels.channel<Score>('match:7').publish({ home: 1, away: 0 });
   */
  channel<T = unknown>(name: string): Channel<T> {
    return new Channel<T>(channelKey(name), this.feeds, this.settings);
  }

  /**
   * Subscribes to several channels as one sequence with one cursor. Events of one channel keep their order. Events of different
   * channels are in the order of publishing, as far as the log knows it. Channels that are not in `after` start at `from`.
   *
   * @throws {SseError} `SSE_INVALID_CHANNEL`, also for no channel or more than 100. `SSE_INVALID_CURSOR` if `after` contains none
   * of the channels. `SSE_INVALID_OPTIONS`. `SSE_INVALID_FIELD`.
   */
  subscribe<T = unknown>(
    names: string | readonly string[],
    options: SubscribeOptions<T> & WithoutGaps,
  ): ChannelSubscription<T, never>;
  subscribe<T = unknown>(
    names: string | readonly string[],
    options?: SubscribeOptions<T>,
  ): ChannelSubscription<T>;
  subscribe<T = unknown>(
    names: string | readonly string[],
    options: SubscribeOptions<T> = {},
  ): ChannelSubscription<T> {
    return openSubscription(topics(names), this.feeds, this.settings, options);
  }

  /** The channels that have subscriptions in this process, with their number. */
  list(): { name: string; size: number }[] {
    return this.feeds.names().map((name) => ({ name, size: this.feeds.size(name) }));
  }

  /** @internal */
  get log(): EventLog {
    return this.feeds.log;
  }

  /** The health of the log. While it is `down`, publishing fails. */
  health(): LogHealth {
    return this.feeds.log.health();
  }

  /** Ends all subscriptions and closes the log. */
  async close(): Promise<void> {
    this.feeds.close();
    await this.feeds.log.close();
  }

  /** Closes in the last hook of Nest, because connections still publish and send while they shut down. */
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}

// Sorted, so that the same channels in another order share a feed.
function topics(given: string | readonly string[]): ChannelKey[] {
  const names = [...new Set(typeof given === 'string' ? [given] : given)].sort();
  if (names.length === 0 || names.length > MAX_TOPICS) {
    throw new SseError('SSE_INVALID_CHANNEL', `A subscription cannot have ${names.length} channels.`, {
      remedy: `Pass 1 to ${MAX_TOPICS} names.`,
      context: { count: names.length },
    });
  }
  const keys = names.map(channelKey);
  const tags = new Map<string, string>();
  for (const { name, tag } of keys) {
    const other = tags.get(tag);
    if (other !== undefined) throw sameTag(name, other);
    tags.set(tag, name);
  }
  return keys;
}

function sameTag(name: string, other: string): SseError {
  return new SseError(
    'SSE_INVALID_CHANNEL',
    `The names of the channels ${quoted(name)} and ${quoted(other)} have the same hash in cursors.`,
    {
      remedy: 'One subscription cannot have both. Rename one of them.',
      context: { names: [name, other] },
    },
  );
}
