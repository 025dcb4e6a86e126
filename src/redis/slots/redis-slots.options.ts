import { systemClock, type Clock } from '../../time/clock.js';
import { checkOptions, type OptionTable } from '../../checking/option-check.js';
import { anything, having, kind, oneOf } from '../../checking/option-kinds.js';
import type { RedisConnection } from '../link/redis-link.js';
import { checkedPrefix, duration, redisClient } from '../log/redis-log.options.js';

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

const milliseconds = kind(
  (value) => Number.isSafeInteger(value) && (value as number) > 0,
  'milliseconds, above 0',
);
const TABLE: OptionTable<RedisSlotsOptions> = {
  client: redisClient(),
  prefix: anything,
  leaseMs: milliseconds,
  whileAway: oneOf('allow', 'refuse'),
  waitMs: milliseconds,
  pingMs: anything,
  clock: having(['now', 'schedule'], 'a clock'),
};

const LEASE_MS = 15_000;
const WAIT_MS = 2000;

/**
 * The settings that options stand for.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 */
export function resolveRedisSlotsOptions(options: RedisSlotsOptions): RedisSlotsSettings {
  checkOptions('redisSlots()', options, TABLE);
  return {
    prefix: checkedPrefix(options.prefix),
    leaseMs: options.leaseMs ?? LEASE_MS,
    refuses: options.whileAway === 'refuse',
    waitMs: options.waitMs ?? WAIT_MS,
    pingMs: duration('pingMs', options.pingMs, 5000),
    clock: options.clock ?? systemClock,
  };
}
