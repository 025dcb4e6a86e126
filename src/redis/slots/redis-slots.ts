import type { Slot, SlotAnswer, SlotRequest, SlotStore } from '../../limits/limits.js';
import { createLink } from '../link/connect.js';
import { FirstAttempt } from '../link/first-attempt.js';
import { Lease, Leases } from './lease.js';
import { Releases } from './releases.js';
import { randomId } from '../../random-id.js';
import { closed, isTransient, unavailable } from '../link/redis-errors.js';
import type { RedisLink } from '../link/redis-link.js';
import { runScript } from '../link/redis-script.js';
import {
  resolveRedisSlotsOptions,
  type RedisSlotsOptions,
  type RedisSlotsSettings,
} from './redis-slots.options.js';
import { ACQUIRE_SCRIPT, RENEW_SCRIPT } from './slots.script.js';
import { SlotNames } from './slot-names.js';
import { Subscriptions } from '../link/subscriptions.js';

/**
 * Creates a slot store that applies `limit` and `exclusive` to all processes with the same Redis and prefix. A slot is a lease
 * that its process renews. The store connects when it is first used, and is closed with the application.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 * @example
 * SseModule.forRoot({ slots: redisSlots({ client: 'redis://localhost:6379' }) })
 */
export function redisSlots(options: RedisSlotsOptions): RedisSlots {
  return new RedisSlots(options, resolveRedisSlotsOptions(options));
}

/** The slot store that {@link redisSlots} creates. */
export class RedisSlots implements SlotStore {
  private readonly link: RedisLink;
  private readonly names: SlotNames;
  private readonly subscriptions: Subscriptions;
  private readonly leases = new Leases();
  private readonly releases: Releases;
  private readonly node = randomId(12);
  private leaseCount = 0;
  private opened = false;
  private closed = false;
  private timer: unknown;
  private readonly firstAttempt = new FirstAttempt();

  /** @internal See {@link redisSlots}. */
  constructor(
    { client }: Pick<RedisSlotsOptions, 'client'>,
    private readonly settings: RedisSlotsSettings,
  ) {
    const events = {
      up: () => {
        this.firstAttempt.settle();
        this.subscriptions.resume();
        // Leases may have expired meanwhile, or Redis may have lost its data.
        void this.renew();
      },
      down: () => this.firstAttempt.settle(),
      message: (_channel: string, ids: string) => {
        for (const id of ids.split(' ')) this.evict(id);
      },
    };
    this.link = createLink(client, events, settings.clock, settings.pingMs);
    this.names = new SlotNames(settings.prefix);
    this.releases = new Releases(this.link, this.names, settings);
    this.subscriptions = new Subscriptions(this.link, settings.clock, () => undefined);
  }

  /** The number of slots that connections of this process hold. */
  get size(): number {
    return this.leases.size;
  }

  /** @throws {SseError} `SSE_LOG_UNAVAILABLE` while Redis is unavailable, with `whileAway: 'refuse'`. */
  async acquire(requests: readonly SlotRequest[]): Promise<SlotAnswer> {
    if (this.closed) throw closed('The slot store');
    this.open();
    const leases = requests.map((request) => this.newLease(request));
    const full = await this.grant(leases).catch((error: unknown) => {
      this.release(leases);
      throw error;
    });
    if (full) {
      this.release(leases);
      return { full };
    }
    for (const lease of leases) this.leases.hold(lease);
    this.renewLater();
    return { slot: new LeasedSlot(this, leases) };
  }

  /** Releases all slots and closes the connections to Redis. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.settings.clock.cancel(this.timer);
    this.release(this.leases.all());
    if (!this.opened) return;
    await this.withTimeout(this.settings.waitMs, this.releases.settled()).catch(() => undefined);
    this.link.close();
  }

  /** @internal Ends leases of a connection, here and in Redis. */
  release(leases: readonly Lease[]): void {
    const own = leases.filter((lease) => this.leases.end(lease));
    if (own.length === 0) return;
    this.releases.add(own);
    this.renewLater();
  }

  private open(): void {
    if (this.opened) return;
    this.opened = true;
    this.link.open();
    this.subscriptions.want(this.names.node(this.node));
  }

  private newLease(request: SlotRequest): Lease {
    const lease = new Lease(`${this.node}:${(++this.leaseCount).toString(36)}`, request);
    this.leases.add(lease);
    return lease;
  }

  /** Acquires the leases. Returns the request whose limit is reached, if there is one. */
  private async grant(leases: readonly Lease[]): Promise<SlotRequest | undefined> {
    const pending = this.track(leases, this.ask(leases));
    try {
      const full = await this.withTimeout(this.settings.waitMs, pending);
      if (full) for (const lease of leases) this.leases.end(lease);
      return full;
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (this.settings.refuses) throw unavailable('The limit of open streams cannot be checked', error);
      return this.grantLocally(leases);
    }
  }

  private async ask(leases: readonly Lease[]): Promise<SlotRequest | undefined> {
    if (!this.link.up) await this.firstAttempt.wait();
    const keys = this.names.of(leases);
    const args = leases.flatMap(({ id, request: { max, replaceOldest } }) => [
      id,
      `${max}`,
      replaceOldest ? '1' : '',
    ]);
    const answer = await runScript(this.link, ACQUIRE_SCRIPT, keys, [`${this.settings.leaseMs}`, ...args]);
    const [full, since, evicted] = answer as [number, string?, string[]?];
    if (full > 0) return leases[full - 1]?.request;
    for (const lease of leases) lease.since = since ?? '';
    this.announceEvicted(evicted ?? []);
    return undefined;
  }

  /** Tells each process which of its leases were evicted. */
  private announceEvicted(evicted: readonly string[]): void {
    const others = new Map<string, string[]>();
    for (const id of evicted) {
      const [node = ''] = id.split(':');
      const ids = others.get(node);
      if (node === this.node) this.evict(id);
      else if (ids) ids.push(id);
      else others.set(node, [id]);
    }
    for (const [node, ids] of others) {
      const channel = this.names.node(node);
      // If this message is lost, the other process learns it when it next renews.
      this.link.send(channel, [this.link.publishCommand, channel, ids.join(' ')]).catch(() => undefined);
    }
  }

  private evict(id: string): void {
    const lease = this.leases.get(id);
    if (lease && this.leases.end(lease)) lease.request.onReplaced();
  }

  /** Grants leases without Redis, by the leases of this process alone. */
  private grantLocally(leases: readonly Lease[]): SlotRequest | undefined {
    for (const { request } of leases) {
      if (!request.replaceOldest && this.leases.of(request.key).size >= request.max) return request;
    }
    for (const { request } of leases) {
      for (const oldest of this.leases.of(request.key)) {
        if (this.leases.of(request.key).size < request.max) break;
        // Through Redis, which may still have it.
        this.release([oldest]);
        oldest.request.onReplaced();
      }
    }
    return undefined;
  }

  private renewLater(): void {
    if (this.timer !== undefined || this.closed || this.leases.size + this.releases.size === 0) return;
    this.timer = this.settings.clock.schedule(() => {
      this.timer = undefined;
      void this.renew();
    }, this.settings.leaseMs / 3);
  }

  private async renew(): Promise<void> {
    // Releases go first. They make room for the leases that Redis has lost.
    await this.releases.resend();
    const parts = this.leases.parts(LEASES_AT_ONCE);
    for (let i = 0; i < parts.length && this.link.up && !this.closed; i += KEYS_AT_ONCE) {
      await Promise.all(parts.slice(i, i + KEYS_AT_ONCE).map((leases) => this.renewPart(leases)));
    }
    this.renewLater();
  }

  /** Renews leases of one key. A lease that Redis has lost is granted again if there is room, and ends otherwise. */
  private async renewPart(part: readonly Lease[]): Promise<void> {
    // Leases with a command under way are skipped, so that a renewal cannot overtake it.
    const leases = part.filter(({ ended, pending }) => !ended && !pending);
    const [first] = leases;
    if (!first) return;
    const args = [`${this.settings.leaseMs}`, `${first.request.max}`];
    for (const { id, since } of leases) args.push(id, since);
    try {
      const answer = await this.track(
        leases,
        runScript(this.link, RENEW_SCRIPT, this.names.of([first]), args),
      );
      const [now, evicted] = answer as [string, string[]];
      for (const lease of leases) lease.since ||= now;
      for (const id of evicted) this.evict(id);
    } catch {
      // Redis is unavailable. All leases are renewed when the link comes up.
    }
  }

  private track<V>(leases: readonly Lease[], pending: Promise<V>): Promise<V> {
    for (const lease of leases) lease.pending = pending;
    const answered = (): void => {
      for (const lease of leases) lease.pending = undefined;
    };
    pending.then(answered, answered);
    return pending;
  }

  private withTimeout<V>(ms: number, answer: Promise<V>): Promise<V> {
    return new Promise((resolve, reject) => {
      const { clock } = this.settings;
      const late = clock.schedule(() => reject(new Error(`no answer within ${ms} ms`)), ms);
      answer.then(resolve, reject).finally(() => clock.cancel(late));
    });
  }
}

/** The leases of one connection. */
class LeasedSlot implements Slot {
  constructor(
    private readonly slots: RedisSlots,
    private readonly leases: readonly Lease[],
  ) {}

  release(): void {
    this.slots.release(this.leases);
  }
}

/** With these sizes, one call of the script blocks Redis for less than a millisecond. */
const LEASES_AT_ONCE = 500;
const KEYS_AT_ONCE = 500;
