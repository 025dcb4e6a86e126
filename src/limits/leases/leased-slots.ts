// Longer than most: every change of a lease of this process is here, from the request to the release.
import { HealthReport, type LineLogger } from '../../errors/health-report.js';
import { closed, unavailable } from '../../errors/outage.js';
import { randomId } from '../../random-id.js';
import { expectAnswer } from '../../time/answer-timer.js';
import type { Clock } from '../../time/clock.js';
import { FirstAttempt } from '../../time/first-attempt.js';
import type { Slot, SlotAnswer, SlotRequest, SlotStore, SlotUse } from '../limits.js';
import type { LeaseEvents, LeaseServer } from './lease-server.js';
import { Lease, Leases } from './lease.js';
import { Releases } from './releases.js';

/** Settings of {@link LeasedSlots}. */
export interface LeaseSettings {
  /** Milliseconds after which the slots of a process that has crashed are free again. */
  readonly leaseMs: number;
  /** Whether new connections are rejected while the server is unavailable. */
  readonly refuses: boolean;
  /** Milliseconds to wait for an answer. */
  readonly waitMs: number;
  readonly clock: Clock;
}

/**
 * A slot store for several processes. A slot is a lease on a server, which its process renews. The store connects when it is
 * first used, and is closed with the application.
 */
export class LeasedSlots implements SlotStore {
  private readonly server: LeaseServer;
  private readonly leases = new Leases();
  private readonly releases: Releases;
  private readonly report: HealthReport;
  private readonly node = randomId(12);
  private leaseCount = 0;
  private opened = false;
  private closed = false;
  private timer: unknown;
  private readonly firstAttempt = new FirstAttempt();

  /** @internal */
  constructor(
    connect: (node: string, events: LeaseEvents) => LeaseServer,
    private readonly settings: LeaseSettings,
  ) {
    this.server = connect(this.node, {
      up: () => {
        this.firstAttempt.settle();
        this.report.up();
        // Leases may have expired meanwhile, or the server may have lost its data.
        void this.renew();
      },
      down: (error) => {
        this.firstAttempt.settle();
        this.report.down(error);
      },
      evicted: (ids) => {
        for (const id of ids) this.evict(id);
      },
    });
    this.releases = new Releases(this.server, settings);
    this.report = new HealthReport(
      () => this.server.address,
      () => settings.clock.now(),
      {
        down: 'Limits are not shared between processes',
        meanwhile: settings.refuses
          ? 'New streams with a limit get a 503.'
          : 'This process counts its own streams alone.',
        up: 'Limits are shared between processes again',
      },
    );
  }

  useLogger(logger: LineLogger): void {
    this.report.logger = logger;
  }

  /** The number of slots that connections of this process hold. */
  get size(): number {
    return this.leases.size;
  }

  use(): SlotUse[] {
    return this.leases.use();
  }

  /**
   * @throws {SseError} `SSE_LOG_UNAVAILABLE` while the server is unavailable, with `whileAway: 'refuse'`, and if the server
   *   refuses the request for a reason that does not pass, such as a missing privilege.
   */
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

  /** Releases all slots and closes the connections. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.settings.clock.cancel(this.timer);
    this.release(this.leases.all());
    if (!this.opened) return;
    await this.withTimeout(this.settings.waitMs, this.releases.settled()).catch(() => undefined);
    this.server.close();
  }

  /** @internal Ends leases of a connection, here and on the server. */
  release(leases: readonly Lease[]): void {
    const own = leases.filter((lease) => this.leases.end(lease));
    if (own.length === 0) return;
    this.releases.add(own);
    this.renewLater();
  }

  private open(): void {
    if (this.opened) return;
    this.opened = true;
    this.server.open();
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
      const { full, granted } = await this.withTimeout(this.settings.waitMs, pending);
      // Otherwise some of them may be on the server, and are released.
      if (full && !granted) for (const lease of leases) this.leases.end(lease);
      return full;
    } catch (error) {
      // A server with which no connection succeeds, for example because of a wrong password, is unavailable too.
      const isAway = !this.server.up || this.server.isTransient(error);
      if (this.settings.refuses || !isAway) {
        throw unavailable(this.server.name, 'The limit of open streams cannot be checked', error);
      }
      return this.grantLocally(leases);
    }
  }

  private async ask(leases: readonly Lease[]): Promise<Asked> {
    if (!this.server.up) await this.firstAttempt.wait();
    const { clock, leaseMs } = this.settings;
    const askedAt = clock.now();
    const answer = await this.server.grant(leases);
    if ('full' in answer) return { full: leases[answer.full]?.request, granted: false };
    for (const lease of leases) lease.since = answer.since;
    this.announceEvicted(answer.evicted);
    const isOld = clock.now() - askedAt >= leaseMs / 3;
    return { full: isOld ? await this.renewOld(leases) : undefined, granted: true };
  }

  /** Renews leases that may have expired while this process was suspended. Returns the request of a lease that is lost. */
  private async renewOld(leases: readonly Lease[]): Promise<SlotRequest | undefined> {
    for (const lease of leases) {
      // It was evicted for another connection.
      if (lease.ended) continue;
      const { evicted } = await this.server.renew([lease], []);
      if (!evicted.includes(lease.id)) continue;
      if (!lease.request.replaceOldest) return lease.request;
      this.evict(lease.id);
    }
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
    // If this message is lost, the other process learns it when it next renews.
    for (const [node, ids] of others) this.server.announceEvicted(node, ids);
  }

  private evict(id: string): void {
    const lease = this.leases.get(id);
    if (lease && this.leases.end(lease)) lease.request.onReplaced();
  }

  /** Grants leases without the server, by the leases of this process alone. */
  private grantLocally(leases: readonly Lease[]): SlotRequest | undefined {
    for (const { request } of leases) {
      if (!request.replaceOldest && this.leases.of(request.key).size >= request.max) return request;
    }
    for (const { request } of leases) {
      for (const oldest of this.leases.of(request.key)) {
        if (this.leases.of(request.key).size < request.max) break;
        // Through the server, which may still have it.
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
    // Releases make room for the leases that the server has lost, so they come first. Those of a key that is renewed come with its
    // renewal. Otherwise another process could take a place between the two, and a connection that holds it would be evicted.
    const parts = this.leases.parts(LEASES_AT_ONCE);
    const released = await this.releases.resend((key) => this.leases.of(key).size > 0);
    for (let i = 0; i < parts.length && this.server.up && !this.closed; i += KEYS_AT_ONCE) {
      const renewals = parts.slice(i, i + KEYS_AT_ONCE).map((leases) => {
        const key = leases[0]?.request.key ?? '';
        return this.renewPart(leases, released.get(key) ?? []);
      });
      await Promise.all(renewals);
    }
    this.renewLater();
  }

  /** Renews leases of one key. A lease that the server has lost is granted again if there is room, and ends otherwise. */
  private async renewPart(part: readonly Lease[], released: readonly Lease[]): Promise<void> {
    // Leases with a command under way are skipped, so that a renewal cannot overtake it.
    const leases = part.filter(({ ended, pending }) => !ended && !pending);
    if (leases.length === 0) {
      await Promise.allSettled(part.map(({ pending }) => pending));
      return this.releases.send(released);
    }
    try {
      const { now, evicted } = await this.track(leases, this.server.renew(leases, released));
      this.releases.confirm(released);
      for (const lease of leases) lease.since ||= now;
      for (const id of evicted) this.evict(id);
    } catch {
      // The server is unavailable. All leases are renewed when it is up again.
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
      const expire = (): void => reject(new Error(`no answer within ${ms} ms`));
      const cancel = expectAnswer(this.settings.clock, ms, expire);
      answer.then(resolve, reject).finally(cancel);
    });
  }
}

/** An answer to a request for leases. */
interface Asked {
  /** The request whose limit is reached. */
  readonly full: SlotRequest | undefined;
  /** False if the server has granted none of them. */
  readonly granted: boolean;
}

/** The leases of one connection. */
class LeasedSlot implements Slot {
  constructor(
    private readonly slots: LeasedSlots,
    private readonly leases: readonly Lease[],
  ) {}

  release(): void {
    this.slots.release(this.leases);
  }
}

/** With these sizes, one call blocks the server for about a millisecond at most. */
const LEASES_AT_ONCE = 500;
const KEYS_AT_ONCE = 500;
