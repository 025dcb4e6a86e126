import { systemClock, type Clock } from '../../time/clock.js';
import { checkOptions, type OptionKind, type OptionTable } from '../../checking/option-check.js';
import { anyOf, delayMs, having, none, oneOf } from '../../checking/option-kinds.js';
import type { RedisConnection } from '../link/redis-link.js';
import { DEFAULT_PING_MS, DEFAULT_PREFIX, redisClient, redisPrefix } from '../link/redis-kinds.js';

/** How {@link redisSlots} counts. */
export interface RedisSlotsOptions {
  /** A client of `@redis/client` or `redis` (single, cluster or sentinel), the options of one, or a URL. */
  client: RedisConnection;
  /** Begins all names in Redis. @default 'sse:' */
  prefix?: string | undefined;
  /** Milliseconds after which the places of a process that has died are free again. @default 15_000 */
  leaseMs?: number | undefined;
  /**
   * What happens to new connections while Redis is away: `allow` counts those of this process alone, `refuse` fails them
   * with `SSE_LOG_UNAVAILABLE`. Connections that are open stay open. @default 'allow'
   */
  whileAway?: 'allow' | 'refuse' | undefined;
  /** Milliseconds that a connection waits for Redis's answer before Redis is taken to be away. @default 2000 */
  waitMs?: number | undefined;
  /** Milliseconds between pings; a connection that leaves one unanswered is replaced. @default 5000 */
  pingMs?: number | false | undefined;
  /** The time, for tests. @default the machine's */
  clock?: Clock | undefined;
}

/** {@link RedisSlotsOptions} with every question answered. */
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
  instead: (value) => (delay.holds(value) ? 'Redis takes whole milliseconds only.' : delay.instead?.(value)),
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
  checkOptions('redisSlots()', options, TABLE);
  return {
    prefix: options.prefix ?? DEFAULT_PREFIX,
    leaseMs: options.leaseMs ?? LEASE_MS,
    refuses: options.whileAway === 'refuse',
    waitMs: options.waitMs ?? WAIT_MS,
    pingMs: options.pingMs ?? DEFAULT_PING_MS,
    clock: options.clock ?? systemClock,
  };
}
