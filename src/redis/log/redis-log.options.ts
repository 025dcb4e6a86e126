import { systemClock, type Clock } from '../../time/clock.js';
import { checkOptions, checkRules, type OptionRule, type OptionTable } from '../../checking/option-check.js';
import {
  anyOf,
  delayMs,
  func,
  having,
  none,
  oneOf,
  periodMs,
  wholeNumber,
} from '../../checking/option-kinds.js';
import { quoted } from '../../errors/sse.errors.js';
import type { RedisConnection } from '../link/redis-link.js';
import { DEFAULT_PING_MS, DEFAULT_PREFIX, redisClient, redisPrefix } from '../link/redis-kinds.js';

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
   * Bytes of events that may wait for Redis in this process. Publishing more fails with `SSE_LOG_UNAVAILABLE`. An event
   * counts 256 bytes more than its text. @default 67_108_864
   */
  maxPendingBytes?: number | false | undefined;
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
  /** `Infinity` is no bound. */
  readonly maxPendingBytes: number;
  readonly forgetMs: number;
  readonly pingMs: number | false;
  readonly clock: Clock;
  /** @throws {SseError} `SSE_INVALID_OPTIONS` for what the `retention` option cannot mean. */
  bounds(channel: string): RedisBounds;
}

const bytes = anyOf(wholeNumber(1, 'a positive whole number of bytes'), none);
const RETENTION: OptionTable<RedisRetention> = {
  maxEvents: anyOf(wholeNumber(1), none),
  maxBytes: bytes,
  maxAgeMs: anyOf(periodMs, none),
};
const TABLE: OptionTable<RedisLogOptions> = {
  ...RETENTION,
  client: redisClient,
  prefix: redisPrefix,
  retention: func('of a channel name that returns its bounds'),
  maxEventBytes: bytes,
  trim: oneOf('approximate', 'exact'),
  waitMs: anyOf(delayMs(1), none),
  maxPendingBytes: bytes,
  forgetMs: anyOf(periodMs, none),
  pingMs: anyOf(delayMs(1), none),
  clock: having(['now', 'schedule'], 'a clock'),
};

const RULES: readonly OptionRule<Required<RedisRetention>>[] = [
  ({ maxEvents, maxBytes, maxAgeMs }) =>
    maxEvents === false &&
    maxBytes === false &&
    maxAgeMs === false && {
      option: 'maxAgeMs',
      value: maxAgeMs,
      remedy: 'Without any bound Redis grows forever. Keep at least one of the bounds.',
    },
];

const DEFAULTS = { maxEvents: 1000, maxBytes: 1_048_576, maxAgeMs: 600_000, maxEventBytes: 262_144 };

/**
 * Resolves the settings of a Redis log.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for unknown or invalid options, and for options that bound nothing.
 */
export function resolveRedisLogOptions(options: RedisLogOptions): RedisLogSettings {
  const where = 'redisLog()';
  checkOptions(where, options, TABLE);
  const bounds = resolveBounds(where, options, options.maxEventBytes);
  return {
    prefix: options.prefix ?? DEFAULT_PREFIX,
    exact: options.trim === 'exact',
    waitMs: options.waitMs ?? 5000,
    maxPendingBytes: (options.maxPendingBytes ?? 67_108_864) || Infinity,
    forgetMs: (options.forgetMs ?? 3_600_000) || 0,
    pingMs: options.pingMs ?? DEFAULT_PING_MS,
    clock: options.clock ?? systemClock,
    bounds: (channel) => {
      const special = options.retention?.(channel);
      if (!special) return bounds;
      const place = `${where}, retention(${quoted(channel)})`;
      checkOptions(place, special, RETENTION);
      return resolveBounds(place, { ...options, ...defined(special) }, options.maxEventBytes);
    },
  };
}

function resolveBounds(
  where: string,
  given: RedisRetention,
  maxEventBytes: number | false = DEFAULTS.maxEventBytes,
): RedisBounds {
  const {
    maxEvents = DEFAULTS.maxEvents,
    maxBytes = DEFAULTS.maxBytes,
    maxAgeMs = DEFAULTS.maxAgeMs,
  } = given;
  checkRules(where, { maxEvents, maxBytes, maxAgeMs }, RULES);
  return {
    maxEvents: maxEvents || 0,
    maxBytes: maxBytes || 0,
    maxAgeMs: maxAgeMs || 0,
    maxEventBytes: Math.min(maxEventBytes || Infinity, maxBytes || Infinity),
  };
}

function defined(retention: RedisRetention): RedisRetention {
  return Object.fromEntries(Object.entries(retention).filter(([, value]) => value !== undefined));
}
