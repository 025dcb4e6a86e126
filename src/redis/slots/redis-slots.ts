import type { LeaseEvents, LeaseServer } from '../../limits/leases/lease-server.js';
import { LeasedSlots } from '../../limits/leases/leased-slots.js';
import { createLink } from '../link/connect.js';
import { isTransient } from '../link/redis-errors.js';
import { runScript } from '../link/redis-script.js';
import { Subscriptions } from '../link/subscriptions.js';
import {
  resolveRedisSlotsOptions,
  type RedisSlotsOptions,
  type RedisSlotsSettings,
} from './redis-slots.options.js';
import { ACQUIRE_SCRIPT, RELEASE_SCRIPT, RENEW_SCRIPT } from './slots.script.js';
import { SlotNames } from './slot-names.js';

/**
 * Creates a slot store that applies `limit` and `exclusive` to all processes with the same Redis and prefix. A slot is a lease
 * that its process renews. The store connects when it is first used, and is closed with the application.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 * @example
 * SseModule.forRoot({ slots: redisSlots({ client: 'redis://localhost:6379' }) })
 */
export function redisSlots(options: RedisSlotsOptions): RedisSlots {
  const settings = resolveRedisSlotsOptions(options);
  return new LeasedSlots((node, events) => leaseServer(options, settings, node, events), settings);
}

/** The slot store that {@link redisSlots} creates. */
export type RedisSlots = LeasedSlots;

function leaseServer(
  { client }: Pick<RedisSlotsOptions, 'client'>,
  { prefix, leaseMs, clock, pingMs }: RedisSlotsSettings,
  node: string,
  events: LeaseEvents,
): LeaseServer {
  const names = new SlotNames(prefix);
  const link = createLink(
    client,
    {
      up: () => {
        subscriptions.resume();
        events.up();
      },
      down: (error) => events.down(error),
      message: (_channel, ids) => events.evicted(ids.split(' ')),
    },
    clock,
    pingMs,
  );
  const subscriptions = new Subscriptions(link, clock, () => undefined);
  return {
    name: 'Redis',
    get address() {
      return link.address;
    },
    get up() {
      return link.up;
    },
    open() {
      link.open();
      subscriptions.want(names.node(node));
    },
    async grant(leases) {
      const args = leases.flatMap(({ id, request: { max, replaceOldest } }) => [
        id,
        `${max}`,
        replaceOldest ? '1' : '',
      ]);
      const answer = await runScript(link, ACQUIRE_SCRIPT, names.of(leases), [`${leaseMs}`, ...args]);
      const [full, since = '', evicted = []] = answer as [number, string?, string[]?];
      return full > 0 ? { full: full - 1 } : { since, evicted };
    },
    async renew(leases, released) {
      const args = [`${leaseMs}`, `${leases[0]?.request.max ?? 0}`, `${released.length}`];
      for (const { id } of released) args.push(id);
      for (const { id, since } of leases) args.push(id, since);
      const answer = await runScript(link, RENEW_SCRIPT, names.of(leases.slice(0, 1)), args);
      const [now, evicted] = answer as [string, string[]];
      return { now, evicted };
    },
    async release(leases) {
      const ids = leases.map(({ id }) => id);
      await runScript(link, RELEASE_SCRIPT, names.of(leases), ids);
    },
    announceEvicted(other, ids) {
      const channel = names.node(other);
      link.send(channel, [link.publishCommand, channel, ids.join(' ')]).catch(() => undefined);
    },
    isTransient,
    close: () => link.close(),
  };
}
