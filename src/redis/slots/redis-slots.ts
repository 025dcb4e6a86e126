import { SlotTable, type Slot, type SlotRequest, type SlotStore } from '../../limits/limits.js';
import { createLink } from '../link/connect.js';
import { FirstAttempt } from '../link/first-attempt.js';
import { Lease, Leases } from './lease.js';
import { randomId } from '../link/random-id.js';
import { closed, isTransient, unavailable } from '../link/redis-errors.js';
import { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import { runScript } from '../link/redis-script.js';
import {
  resolveRedisSlotsOptions,
  type RedisSlotsOptions,
  type RedisSlotsSettings,
} from './redis-slots.options.js';
import { ACQUIRE_SCRIPT, RENEW_SCRIPT } from './slots.script.js';
import { Subscriptions } from '../log/subscriptions.js';

/**
 * Makes `limit` and `exclusive` hold over all processes that use the same Redis and prefix: a place is a lease that its
 * process renews. It connects when it is first used; close it when the application ends.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 * @example
 * SseModule.forRoot({ slots: redisSlots({ client: 'redis://localhost:6379' }) })
 */
export function redisSlots(options: RedisSlotsOptions): RedisSlots {
  return new RedisSlots(options, resolveRedisSlotsOptions(options));
}

/** The slots that {@link redisSlots} makes. What is limited per process is counted in this process. */
export class RedisSlots implements SlotStore {
  private readonly link: RedisLink;
  private readonly keys: RedisKeys;
  private readonly subscriptions: Subscriptions;
  private readonly local = new SlotTable();
  private readonly leases = new Leases();
  private readonly node = `${randomId()}${randomId()}`;
  /** What was given back and Redis has not confirmed. */
  private readonly releasing = new Set<Promise<unknown>>();
  private numbers = 0;
  private opened = false;
  private closed = false;
  private timer: unknown;
  private readonly attempt = new FirstAttempt();

  /** @internal See {@link redisSlots}. */
  constructor(
    { client }: Pick<RedisSlotsOptions, 'client'>,
    private readonly settings: RedisSlotsSettings,
  ) {
    const events = {
      up: () => {
        this.attempt.end();
        this.subscriptions.resume();
        // Leases may have run out meanwhile, or be gone with Redis's data.
        void this.renew();
      },
      down: () => this.attempt.end(),
      message: (_channel: string, ids: string) => {
        for (const id of ids.split(' ')) this.leases.get(id)?.replace();
      },
    };
    this.link = createLink(client, events, settings.clock, settings.pingMs);
    this.keys = new RedisKeys(`${settings.prefix}slots:`);
    this.subscriptions = new Subscriptions(this.link, settings.clock, () => undefined);
  }

  /** How many places connections of this process hold. */
  get size(): number {
    return this.leases.size;
  }

  /** @throws {SseError} `SSE_LOG_UNAVAILABLE` while Redis is away, with `whileAway: 'refuse'`. */
  async acquire(request: SlotRequest): Promise<Slot | undefined> {
    if (request.key === 'process') return this.local.acquire(request);
    if (this.closed) throw closed('The slot store');
    this.open();
    const lease = new Lease(`${this.node}:${(++this.numbers).toString(36)}`, request, (over, replaced) =>
      this.giveBack(over, replaced),
    );
    const taking = this.take(lease, request.replaceOldest);
    try {
      if (!(await this.within(this.settings.waitMs, taking))) return undefined;
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (this.settings.refuses || !this.makeRoomHere(request)) {
        // An answer that comes too late is of no use to anybody.
        taking.then((taken) => taken && this.free(lease)).catch(() => undefined);
        if (this.settings.refuses) throw unavailable('No place can be given', error);
        return undefined;
      }
    }
    this.leases.add(lease);
    this.renewLater();
    return lease;
  }

  /** Gives back what is held and closes the connections. */
  async close(): Promise<void> {
    if (this.closed) return;
    for (const [, leases] of this.leases.keys()) for (const lease of leases) lease.release();
    this.closed = true;
    this.settings.clock.cancel(this.timer);
    if (!this.opened) return;
    await this.within(this.settings.waitMs, Promise.all(this.releasing)).catch(() => undefined);
    this.link.close();
  }

  private open(): void {
    if (this.opened) return;
    this.opened = true;
    this.link.open();
    this.subscriptions.want(this.keys.notice(`node:${this.node}`));
  }

  /** Whether Redis has, or had, a place for the lease; who had to go is told. */
  private async take(lease: Lease, replaceOldest: boolean): Promise<boolean> {
    const { key, max } = lease.request;
    if (!this.link.up) await this.attempt.wait();
    const args = [lease.id, `${max}`, `${this.settings.leaseMs}`, replaceOldest ? '1' : '', lease.since];
    const answer = (await runScript(this.link, ACQUIRE_SCRIPT, this.names(key), args)) as string[] | null;
    if (!answer) return false;
    const [since = '', ...gone] = answer;
    lease.since = since;
    for (const id of gone) this.tell(id);
    return true;
  }

  private tell(id: string): void {
    const [node = ''] = id.split(':');
    if (node === this.node) return this.leases.get(id)?.replace();
    const channel = this.keys.notice(`node:${node}`);
    // If this is lost, the other process sees it when it renews.
    this.link.send(channel, [this.link.publishCommand, channel, id]).catch(() => undefined);
  }

  private makeRoomHere({ key, max, replaceOldest }: SlotRequest): boolean {
    const held = this.leases.of(key);
    if (held.size < max) return true;
    const [oldest] = held;
    if (replaceOldest) oldest?.replace();
    return replaceOldest;
  }

  private giveBack(lease: Lease, replaced: boolean): void {
    this.leases.delete(lease);
    if (!replaced && !this.closed) this.free(lease);
  }

  private free(lease: Lease): void {
    const [ends, since] = this.names(lease.request.key);
    const commands = [
      ['ZREM', ends, lease.id],
      ['ZREM', since, lease.id],
    ];
    // If it does not arrive, the lease runs out.
    const given = this.link
      .inOrder(ends, commands)
      .catch(() => undefined)
      .finally(() => this.releasing.delete(given));
    this.releasing.add(given);
  }

  private renewLater(): void {
    if (this.timer !== undefined || this.closed || this.leases.size === 0) return;
    this.timer = this.settings.clock.schedule(() => {
      this.timer = undefined;
      void this.renew();
    }, this.settings.leaseMs / 3);
  }

  private async renew(): Promise<void> {
    const keys = this.leases.keys();
    for (let i = 0; i < keys.length && this.link.up && !this.closed; i += AT_ONCE) {
      await Promise.all(keys.slice(i, i + AT_ONCE).map(([key, leases]) => this.renewKey(key, leases)));
    }
    this.renewLater();
  }

  private async renewKey(key: string, leases: readonly Lease[]): Promise<void> {
    const args = [`${this.settings.leaseMs}`, ...leases.map(({ id }) => id)];
    try {
      const gone = (await runScript(this.link, RENEW_SCRIPT, this.names(key), args)) as string[];
      for (const id of gone) {
        const lease = this.leases.get(id);
        // It ran out, or Redis has lost it. If somebody has taken the place, that is so.
        if (lease && !(await this.take(lease, false))) lease.replace();
      }
    } catch {
      // Redis is away; when it is back, all are renewed.
    }
  }

  private names(key: string): readonly [ends: string, since: string] {
    const name = this.keys.notice(key);
    return [`${name}:until`, `${name}:since`];
  }

  private within<V>(ms: number, answer: Promise<V>): Promise<V> {
    return new Promise((resolve, reject) => {
      const { clock } = this.settings;
      const late = clock.schedule(() => reject(new Error(`no answer within ${ms} ms`)), ms);
      answer.then(resolve, reject).finally(() => clock.cancel(late));
    });
  }
}

const AT_ONCE = 500;
