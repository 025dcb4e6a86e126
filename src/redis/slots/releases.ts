import type { Clock } from '../../time/clock.js';
import type { RedisLink } from '../link/redis-link.js';
import { runScript } from '../link/redis-script.js';
import type { Lease } from './lease.js';
import type { SlotNames } from './slot-names.js';
import { RELEASE_SCRIPT } from './slots.script.js';

/** Releases that Redis has not confirmed. Each is sent again until it is confirmed or the lease has expired. */
export class Releases {
  /** The leases, with the time at which Redis has forgotten them by itself. Oldest first. */
  private readonly open = new Map<Lease, number>();
  private readonly sending = new Set<Promise<void>>();

  constructor(
    private readonly link: RedisLink,
    private readonly names: SlotNames,
    private readonly settings: { readonly leaseMs: number; readonly clock: Clock },
  ) {}

  get size(): number {
    return this.open.size;
  }

  /** Releases leases that are over. */
  add(leases: readonly Lease[]): void {
    const { clock, leaseMs } = this.settings;
    this.dropExpired();
    for (const lease of leases) this.open.set(lease, clock.now() + leaseMs);
    void this.send(leases);
  }

  /** Sends again what was not confirmed. */
  async again(): Promise<void> {
    this.dropExpired();
    const leases = [...this.open.keys()];
    for (let i = 0; i < leases.length && this.link.up; i += AT_ONCE)
      await this.send(leases.slice(i, i + AT_ONCE));
  }

  /** Resolves when everything has been answered. */
  async sent(): Promise<void> {
    await Promise.all(this.sending);
  }

  private send(leases: readonly Lease[]): Promise<void> {
    const sending: Promise<void> = this.run(leases).finally(() => this.sending.delete(sending));
    this.sending.add(sending);
    return sending;
  }

  private async run(leases: readonly Lease[]): Promise<void> {
    // A grant that is still on its way would come after the release.
    await Promise.allSettled(leases.map(({ asked }) => asked));
    try {
      await runScript(
        this.link,
        RELEASE_SCRIPT,
        this.names.of(leases),
        leases.map(({ id }) => id),
      );
      for (const lease of leases) this.open.delete(lease);
    } catch {
      // Redis is unavailable: later.
    }
  }

  private dropExpired(): void {
    const now = this.settings.clock.now();
    for (const [lease, expiry] of this.open) {
      if (expiry > now) return;
      this.open.delete(lease);
    }
  }
}

const AT_ONCE = 500;
