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

/** How channels behave. */
export interface ChannelsOptions {
  /** What keeps the events. @default memoryLog() */
  log?: EventLog | undefined;
  /** Writes payloads that are not strings. @default JSON.stringify */
  serialize?: Serialize | undefined;
  /** Reads them back, for filters and for those who iterate. @default JSON.parse */
  parse?: Parse | undefined;
  /** The type of gap events, where a subscription does not say; `false` for none. @default 'gap' */
  gap?: string | false | undefined;
  /** Where the log writes that it is down, or up again. @default nowhere; `SseModule` passes a `Logger` of Nest */
  logger?: LineLogger | undefined;
}

/** The channels of an application: publish anywhere, subscribe anywhere, resume anywhere. */
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
   * The channel of a name. Costs nothing until it is used; ask again whenever you need it.
   *
   * @throws {SseError} `SSE_INVALID_CHANNEL` for a name that is empty, over 256 bytes, or has control characters.
   * @example
   * await channels.channel<Score>('match:7').publish({ home: 1, away: 0 });
   */
  channel<T = unknown>(name: string): Channel<T> {
    return new Channel<T>(channelKey(name), this.feeds, this.settings);
  }

  /**
   * The events of several channels as one sequence with one cursor. The order within each channel holds; between them
   * it is that of publishing where the log can tell. With `after`, channels that it does not know start at `from`.
   *
   * @throws {SseError} `SSE_INVALID_CHANNEL`, also for no channel or more than 100; `SSE_INVALID_CURSOR` if `after` knows
   * none of them; `SSE_INVALID_OPTIONS`; `SSE_INVALID_FIELD`.
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

  /** The channels that have subscribers in this process, and how many. */
  list(): { name: string; size: number }[] {
    return this.feeds.names().map((name) => ({ name, size: this.feeds.size(name) }));
  }

  /** @internal */
  get log(): EventLog {
    return this.feeds.log;
  }

  /** How the log is: whether publishing can work now. */
  health(): LogHealth {
    return this.feeds.log.health();
  }

  /** Ends all subscriptions and closes the log. */
  async close(): Promise<void> {
    this.feeds.close();
    await this.feeds.log.close();
  }

  /** Closes last, when the connections have said goodbye. */
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}

// Sorted: the same channels in another order are the same feed.
function topics(given: string | readonly string[]): ChannelKey[] {
  const names = [...new Set(typeof given === 'string' ? [given] : given)].sort();
  if (names.length === 0 || names.length > MAX_TOPICS) {
    throw new SseError('SSE_INVALID_CHANNEL', `A subscription to ${names.length} channels was asked for.`, {
      remedy: `Give 1 to ${MAX_TOPICS} names.`,
      context: { count: names.length },
    });
  }
  const keys = names.map(channelKey);
  const tags = new Map<string, string>();
  for (const { name, tag } of keys) {
    const other = tags.get(tag);
    if (other !== undefined) throw alike(name, other);
    tags.set(tag, name);
  }
  return keys;
}

function alike(name: string, other: string): SseError {
  return new SseError(
    'SSE_INVALID_CHANNEL',
    `The channels ${quoted(name)} and ${quoted(other)} look alike in cursors.`,
    {
      remedy: 'They cannot be subscribed to together: rename one of them.',
      context: { names: [name, other] },
    },
  );
}
