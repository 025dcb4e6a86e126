import { systemClock, type Clock } from '../../time/clock.js';
import { withoutCredentials } from '../../checking/credentials.js';
import { checkOptions, type OptionTable } from '../../checking/option-check.js';
import { anyOf, delayMs, having, none, oneOf, periodMs } from '../../checking/option-kinds.js';
import { RETENTION_KINDS, byteCount, resolveRetention, type Retentions } from '../../log/retention.js';
import type { RedisConnection } from '../link/redis-link.js';
import { DEFAULT_PING_MS, DEFAULT_PREFIX, redisClient, redisPrefix } from '../link/redis-kinds.js';

/** Retention of a channel. The limit that is reached first evicts the oldest events. `false` switches a limit off. */
export interface RedisRetention {
  /** Events kept per channel. With `trim: 'approximate'` Redis may keep up to about 100 more. @default 1000 */
  maxEvents?: number | false | undefined;
  /** Bytes of encoded events kept per channel. @default 1_048_576 */
  maxBytes?: number | false | undefined;
  /**
   * Milliseconds for which an event is kept. Older events are removed with the next append, or when all events of the
   * channel are too old. @default 600_000
   */
  maxAgeMs?: number | false | undefined;
}

/** Options of {@link redisLog}: the connection to Redis, the retention, and timeouts. */
export interface RedisLogOptions extends RedisRetention {
  /** A client of `@redis/client` or `ioredis` (single, cluster or with sentinels), client options, or a URL. */
  client: RedisConnection;
  /** Prefix of all names in Redis. Applications that share one Redis need different prefixes. @default 'sse:' */
  prefix?: string | undefined;
  /** Retention of a channel if it differs. All nodes must agree. @default the same for all channels */
  retention?: ((channel: string) => RedisRetention | undefined) | undefined;
  /** Maximum size of one encoded event. A larger event is rejected. @default 262_144, or `maxBytes` if that is less */
  maxEventBytes?: number | false | undefined;
  /** Whether Redis trims to exactly `maxEvents`, or in blocks, which is cheaper. @default 'approximate' */
  trim?: 'approximate' | 'exact' | undefined;
  /**
   * Milliseconds for which `publish()` waits while Redis is unavailable or does not answer. With `false` it fails
   * immediately while Redis is unavailable. @default 5000
   */
  waitMs?: number | false | undefined;
  /**
   * Bytes of events that may wait for Redis in this process. Publishing more fails with `SSE_LOG_UNAVAILABLE`. An event
   * counts 256 bytes more than its text. @default 67_108_864
   */
  maxPendingBytes?: number | false | undefined;
  /**
   * Milliseconds for which Redis remembers a channel that has no events and no subscribers. A client that returns within
   * this time receives a gap notice only if it missed events. `false` means forever. @default 3_600_000
   */
  forgetMs?: number | false | undefined;
  /** Milliseconds between pings. A connection that does not answer one is replaced. @default 5000 */
  pingMs?: number | false | undefined;
  /** A clock for tests. @default the system clock */
  clock?: Clock | undefined;
}

/** Resolved {@link RedisLogOptions}. */
export interface RedisLogSettings extends Retentions {
  readonly prefix: string;
  readonly exact: boolean;
  readonly waitMs: number | false;
  /** `Infinity` means unlimited. */
  readonly maxPendingBytes: number;
  readonly forgetMs: number;
  readonly pingMs: number | false;
  readonly clock: Clock;
}

const TABLE: OptionTable<RedisLogOptions> = {
  ...RETENTION_KINDS,
  client: redisClient,
  prefix: redisPrefix,
  trim: oneOf('approximate', 'exact'),
  waitMs: anyOf(delayMs(1), none),
  maxPendingBytes: byteCount,
  forgetMs: anyOf(periodMs, none),
  pingMs: anyOf(delayMs(1), none),
  clock: having(['now', 'schedule'], 'a clock'),
};

/**
 * Resolves the settings of a Redis log.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for unknown or invalid options, and if all limits are switched off.
 */
export function resolveRedisLogOptions(options: RedisLogOptions): RedisLogSettings {
  const where = 'redisLog()';
  checkOptions(where, withoutCredentials(options), TABLE);
  return {
    prefix: options.prefix ?? DEFAULT_PREFIX,
    exact: options.trim === 'exact',
    waitMs: options.waitMs ?? 5000,
    maxPendingBytes: (options.maxPendingBytes ?? 67_108_864) || Infinity,
    forgetMs: (options.forgetMs ?? 3_600_000) || 0,
    pingMs: options.pingMs ?? DEFAULT_PING_MS,
    clock: options.clock ?? systemClock,
    ...resolveRetention(where, 'Redis', options),
  };
}
