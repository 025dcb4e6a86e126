import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { inProduction } from '../environment.js';
import { isContract, type AnyContract } from '../events/event-contract.js';
import type { GapEvent } from '../events/library-events.js';
import type { Serialize } from '../events/to-event.js';
import { SseError, quoted } from '../errors/sse.errors.js';
import { Channel, openSubscription, type ChannelSettings } from './channel.js';
import { ChannelContracts } from './channel-contracts.js';
import type { EventChannel, EventSubscribeOptions, EventSubscription } from './event-channel.js';
import { MAX_TOPICS, channelKey, type ChannelKey } from '../log/cursor.js';
import type { LineLogger } from '../errors/health-report.js';
import type { EventLog, LogHealth } from '../log/event-log.js';
import { Feeds } from './feeds.js';
import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { fold, type AnyFold, type Fold } from './folds/fold.js';
import { Folds } from './folds/folds.js';
import { systemClock, type Clock } from '../time/clock.js';
import type { Parse } from '../log/log-entry.js';
import { memoryLog } from '../log/memory-log.js';
import { CursorReader } from './cursor-reader.js';
import type { MakeReader } from './waiting-reader.js';
import type { ChannelSubscription } from './subscription.js';
import type { ReaderOptions, SubscribeOptions, WithoutGaps } from './subscription.options.js';

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
  /** Validates what is published to a channel with a contract. @default true unless `NODE_ENV` is `'production'` */
  validate?: boolean | undefined;
  /** The logger for an event log that goes down or is up again. @default none; `SseModule` passes a `Logger` of Nest */
  logger?: LineLogger | undefined;
  /** A clock for tests. @default the system clock */
  clock?: Clock | undefined;
}

/** Options of a channel. All code that publishes to it or subscribes to it must use the same. */
export interface ChannelOptions {
  /** The fold of the channel. Its subscribers get the state first. @default none */
  fold?: AnyFold | undefined;
}

const CHANNEL_TABLE: OptionTable<ChannelOptions> = { fold };

/** The channels of an application. Every node that shares the log can publish, subscribe and resume. */
@Injectable()
export class Channels implements OnApplicationShutdown {
  private readonly feeds: Feeds;
  private readonly settings: ChannelSettings;
  private readonly contracts = new ChannelContracts();
  private readonly validate: boolean;

  constructor({
    log = memoryLog(),
    serialize,
    parse = JSON.parse,
    gap,
    validate = !inProduction(),
    logger,
    clock = systemClock,
  }: ChannelsOptions = {}) {
    if (logger) log.useLogger?.(logger);
    this.feeds = new Feeds(log, parse);
    this.settings = { serialize, gap, folds: new Folds({ log, parse, serialize, clock, logger }) };
    this.validate = validate;
  }

  /**
   * The channel with this name. The object is cheap, so call this whenever you need it.
   *
   * @param events The contract of the channel. The compiler checks what is published, and `validate` its data.
   * @param options The fold of the channel.
   * @throws {SseError} `SSE_INVALID_CHANNEL` for a name that is empty, has more than 256 bytes, or has control characters;
   * `SSE_INVALID_CONTRACT` if the channel has another contract in this process; `SSE_INVALID_OPTIONS`.
   * @example
   * await channels.channel<Score>('match:7').publish({ home: 1, away: 0 });
   * await channels.channel('import:7', importEvents).publish(importEvents.progress({ percent: 10 }));
   */
  channel<T = unknown>(name: string): Channel<T>;
  channel<Contract extends AnyContract>(
    name: string,
    events: Contract,
    options?: ChannelOptions,
  ): EventChannel<Contract>;
  channel<T = unknown>(name: string, options: ChannelOptions): Channel<T>;
  channel(name: string, first?: AnyContract | ChannelOptions, second?: ChannelOptions): unknown {
    const key = channelKey(name);
    if (first === undefined && second === undefined) return new Channel(key, this.feeds, this.settings);
    const isOptions = second === undefined && isChannelOptions(first);
    const events = isOptions ? undefined : (first as AnyContract);
    const options = isOptions ? first : second;
    if (events !== undefined) this.agree([key], events);
    if (options !== undefined) checkOptions('channel()', options, CHANNEL_TABLE);
    const contract = this.validate ? events : undefined;
    return new Channel(key, this.feeds, {
      ...this.settings,
      contract,
      fold: options?.fold as Fold | undefined,
    });
  }

  /**
   * Subscribes to several channels as one sequence with one cursor. Events of one channel keep their order. Events of different
   * channels are in the order of publishing, as far as the log knows it. Channels that are not in `after` start at `from`.
   *
   * @throws {SseError} `SSE_INVALID_CHANNEL`, also for no channel or more than 100. `SSE_INVALID_CURSOR` if `after` contains none
   * of the channels. `SSE_INVALID_OPTIONS`. `SSE_INVALID_FIELD`.
   */
  subscribe<Contract extends AnyContract>(
    names: string | readonly string[],
    options: EventSubscribeOptions<Contract> & WithoutGaps & { events: Contract },
  ): EventSubscription<Contract, never>;
  subscribe<Contract extends AnyContract, Gap extends string = 'gap'>(
    names: string | readonly string[],
    options: EventSubscribeOptions<Contract> & { events: Contract; gap?: Gap | undefined },
  ): EventSubscription<Contract, GapEvent<Gap>>;
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
    options: SubscribeOptions<T, never> & { events?: AnyContract | undefined } = {},
  ): unknown {
    const keys = topics(names);
    // Anything but an object is rejected with the other options.
    if (typeof options !== 'object' || !options || !('events' in options)) {
      return openSubscription(keys, this.feeds, this.settings, options);
    }
    const { events, ...others } = options;
    if (events !== undefined) this.agree(keys, events);
    const contract = this.validate ? events : undefined;
    return openSubscription(keys, this.feeds, { ...this.settings, contract }, others);
  }

  private agree(keys: readonly ChannelKey[], events: AnyContract): void {
    if (!isContract(events)) throw notAContract(events);
    this.contracts.add(keys, events);
  }

  /** The channels that have subscriptions in this process, with their number. */
  list(): { name: string; size: number }[] {
    return this.feeds.names().map((name) => ({ name, size: this.feeds.size(name) }));
  }

  /** @internal */
  get folds(): Folds {
    return this.settings.folds;
  }

  /** @internal Makes the reader of a subscription. The options were checked. */
  reader(name: string, options: ReaderOptions): MakeReader {
    const { gap } = this.settings;
    const keys = [channelKey(name)];
    return (owner) => new CursorReader(this.feeds, keys, { ...options, gap: options.gap ?? gap }, owner);
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
    await this.settings.folds.close();
    await this.feeds.log.close();
  }

  /** Closes in the last hook of Nest, because connections still publish and send while they shut down. */
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}

/** True for an object of options. Anything else must be a contract, and is rejected as one. */
function isChannelOptions(given: unknown): given is ChannelOptions {
  return (
    typeof given === 'object' && given !== null && Object.keys(CHANNEL_TABLE).some((name) => name in given)
  );
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

function notAContract(given: unknown): SseError {
  return new SseError('SSE_INVALID_CONTRACT', `The contract of a channel is ${quoted(given)}.`, {
    remedy: 'Give the result of defineEvents(): channels.channel(name, events).',
  });
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
