import { systemClock, type Clock } from '../../time/clock.js';
import { withoutCredentials } from '../../checking/credentials.js';
import { checkOptions, type OptionKind, type OptionTable } from '../../checking/option-check.js';
import { anyOf, delayMs, having, none, oneOf } from '../../checking/option-kinds.js';
import type { RedisConnection } from '../link/redis-link.js';
import { DEFAULT_PING_MS, DEFAULT_PREFIX, redisClient, redisPrefix } from '../link/redis-kinds.js';

/** Options of {@link redisSlots}. */
export interface RedisSlotsOptions {
  /** A client of `@redis/client` or `ioredis` (single, cluster or with sentinels), client options, or a URL. */
  client: RedisConnection;
  /** Prefix of all names in Redis. @default 'sse:' */
  prefix?: string | undefined;
  /** Milliseconds after which the slots of a process that has crashed are free again. @default 15_000 */
  leaseMs?: number | undefined;
  /**
   * Whether new connections are accepted while Redis is unavailable. With `allow` each process counts its own connections
   * alone. With `refuse` new connections fail with `SSE_LOG_UNAVAILABLE`. Open connections stay open. @default 'allow'
   */
  whileAway?: 'allow' | 'refuse' | undefined;
  /** Milliseconds to wait for an answer. After that Redis counts as unavailable. @default 2000 */
  waitMs?: number | undefined;
  /** Milliseconds between pings. A connection that does not answer one is replaced. @default 5000 */
  pingMs?: number | false | undefined;
  /** A clock for tests. @default the system clock */
  clock?: Clock | undefined;
}

/** Resolved {@link RedisSlotsOptions}. */
export interface RedisSlotsSettings {
  readonly prefix: string;
  readonly leaseMs: number;
  readonly refuses: boolean;
  readonly waitMs: number;
  readonly pingMs: number | false;
  readonly clock: Clock;
}

const delay = delayMs(1);
const leaseMs: OptionKind = {
  ...delay,
  holds: (value) => Number.isInteger(value) && delay.holds(value),
  instead: (value) =>
    delay.holds(value) ? 'Redis accepts whole milliseconds only.' : delay.instead?.(value),
};
const TABLE: OptionTable<RedisSlotsOptions> = {
  client: redisClient,
  prefix: redisPrefix,
  leaseMs,
  whileAway: oneOf('allow', 'refuse'),
  waitMs: delayMs(1),
  pingMs: anyOf(delayMs(1), none),
  clock: having(['now', 'schedule'], 'a clock'),
};

const LEASE_MS = 15_000;
const WAIT_MS = 2000;

/**
 * Resolves the settings of Redis slots.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 */
export function resolveRedisSlotsOptions(options: RedisSlotsOptions): RedisSlotsSettings {
  checkOptions('redisSlots()', withoutCredentials(options), TABLE);
  return {
    prefix: options.prefix ?? DEFAULT_PREFIX,
    leaseMs: options.leaseMs ?? LEASE_MS,
    refuses: options.whileAway === 'refuse',
    waitMs: options.waitMs ?? WAIT_MS,
    pingMs: options.pingMs ?? DEFAULT_PING_MS,
    clock: options.clock ?? systemClock,
  };
}
