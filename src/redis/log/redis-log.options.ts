import { systemClock, type Clock } from '../../time/clock.js';
import { checkOptions, type OptionKind, type OptionTable } from '../../checking/option-check.js';
import { anything, func, having, oneOf, required } from '../../checking/option-kinds.js';
import { SseError, quoted } from '../../errors/sse.errors.js';
import type { RedisConnection } from '../link/redis-link.js';

/** What is kept of a channel. A bound that is `false` is none; whichever is reached first evicts the oldest. */
export interface RedisRetention {
  /** Events kept per channel; some tens more with `trim: 'approximate'`. @default 1000 */
  maxEvents?: number | false | undefined;
  /** Bytes of encoded events kept per channel. @default 1_048_576 */
  maxBytes?: number | false | undefined;
  /** Milliseconds an event is kept; older ones go with the next append, or when all are too old. @default 600_000 */
  maxAgeMs?: number | false | undefined;
}

/** How {@link redisLog} reaches Redis, what it keeps there, and what it does while Redis is away. */
export interface RedisLogOptions extends RedisRetention {
  /** A client of `@redis/client` or `redis` (single, cluster or sentinel), the options of one, or a URL. */
  client: RedisConnection;
  /** Begins all names in Redis; applications that share one Redis need different ones. @default 'sse:' */
  prefix?: string | undefined;
  /** What to keep of a channel, where that differs. All nodes must agree. @default the same for all */
  retention?: ((channel: string) => RedisRetention | undefined) | undefined;
  /** Bytes one encoded event may have; a bigger one is refused. @default 262_144, or `maxBytes` if that is less */
  maxEventBytes?: number | false | undefined;
  /** Whether `maxEvents` is met to the event, or in blocks, which is cheaper for Redis. @default 'approximate' */
  trim?: 'approximate' | 'exact' | undefined;
  /**
   * Milliseconds that publishing waits for a Redis that is away or does not answer; `false` fails at once while it is
   * away. @default 5000
   */
  waitMs?: number | false | undefined;
  /**
   * Milliseconds for which an empty channel that nobody watches is remembered, so that a client that missed nothing is
   * not told that it may have. `false` is for ever. @default 3_600_000
   */
  forgetMs?: number | false | undefined;
  /** Milliseconds between pings; a connection that leaves one unanswered is replaced. @default 5000 */
  pingMs?: number | false | undefined;
  /** The time, for tests. @default the machine's */
  clock?: Clock | undefined;
}

/** {@link RedisRetention} with every question answered; 0 is no bound, as the scripts take it. */
export interface RedisBounds {
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly maxEventBytes: number;
}

/** {@link RedisLogOptions} with every question answered. */
export interface RedisLogSettings {
  readonly prefix: string;
  readonly exact: boolean;
  readonly waitMs: number | false;
  readonly forgetMs: number;
  readonly pingMs: number | false;
  readonly clock: Clock;
  /** @throws {SseError} `SSE_INVALID_OPTIONS` for what the `retention` option cannot mean. */
  bounds(channel: string): RedisBounds;
}

// Bounds, the prefix and the client are looked at where they are used.
const RETENTION: OptionTable<RedisRetention> = {
  maxEvents: anything,
  maxBytes: anything,
  maxAgeMs: anything,
};
const TABLE: OptionTable<RedisLogOptions> = {
  ...RETENTION,
  client: redisClient(),
  prefix: anything,
  retention: func('of a channel name, which gives its bounds'),
  maxEventBytes: anything,
  trim: oneOf('approximate', 'exact'),
  waitMs: anything,
  forgetMs: anything,
  pingMs: anything,
  clock: having(['now', 'schedule'], 'a clock'),
};

const DEFAULTS = { maxEvents: 1000, maxBytes: 1_048_576, maxAgeMs: 600_000, maxEventBytes: 262_144 };

/**
 * The settings that options stand for.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for an unknown key, a number that is not a positive whole one, options that bound nothing, or
 * a prefix with braces.
 */
export function resolveRedisLogOptions(options: RedisLogOptions): RedisLogSettings {
  checkOptions('redisLog()', options, TABLE);
  const { prefix, retention, clock = systemClock } = options;
  const bounds = resolveBounds(options, options.maxEventBytes);
  return {
    prefix: checkedPrefix(prefix),
    exact: options.trim === 'exact',
    waitMs: duration('waitMs', options.waitMs, 5000),
    forgetMs: duration('forgetMs', options.forgetMs, 3_600_000) || 0,
    pingMs: duration('pingMs', options.pingMs, 5000),
    clock,
    bounds: (channel) => {
      const special = retention?.(channel);
      if (!special) return bounds;
      checkOptions(`redisLog(), retention(${quoted(channel)})`, special, RETENTION);
      return resolveBounds({ ...options, ...defined(special) }, options.maxEventBytes);
    },
  };
}

function resolveBounds(given: RedisRetention, maxEventBytes: number | false | undefined): RedisBounds {
  const maxEvents = number('maxEvents', given.maxEvents, DEFAULTS.maxEvents) || 0;
  const maxBytes = number('maxBytes', given.maxBytes, DEFAULTS.maxBytes) || 0;
  const maxAgeMs = number('maxAgeMs', given.maxAgeMs, DEFAULTS.maxAgeMs) || 0;
  if (maxEvents + maxBytes + maxAgeMs === 0) {
    throw invalid('without any bound', 'Leave at least one of the bounds on, or Redis grows for ever.');
  }
  const event = number('maxEventBytes', maxEventBytes, DEFAULTS.maxEventBytes) || Infinity;
  return { maxEvents, maxBytes, maxAgeMs, maxEventBytes: Math.min(event, maxBytes || Infinity) };
}

/** The kind of the option `client`, without which there is nothing; what it is, the link finds out. */
export function redisClient(): OptionKind {
  const words = 'what createClient(), createCluster() or createSentinel() returned, client options, or a URL';
  return required({ ...anything, words: [words] });
}

/**
 * The prefix, checked.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 */
export function checkedPrefix(prefix: string = 'sse:'): string {
  if (typeof prefix === 'string' && !/[{}]/.test(prefix)) return prefix;
  throw invalid(
    `{ prefix: ${quoted(prefix)} }`,
    'Give text without braces: they say which cluster slot a key is in.',
  );
}

/** Milliseconds, or `false`. */
export function duration(name: string, value: number | false | undefined, otherwise: number): number | false {
  return number(name, value, otherwise);
}

function number(name: string, value: number | false | undefined, otherwise: number): number | false {
  const given = value === undefined ? otherwise : value;
  if (given === false || (Number.isSafeInteger(given) && given > 0)) return given;
  throw invalid(`{ ${name}: ${quoted(given)} }`, 'Give a whole number above 0, or false.');
}

function defined(retention: RedisRetention): RedisRetention {
  return Object.fromEntries(Object.entries(retention).filter(([, value]) => value !== undefined));
}

function invalid(what: string, remedy: string): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `A Redis log with ${what} is not possible.`, { remedy });
}
