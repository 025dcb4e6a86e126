import type { Clock } from '../../time/clock.js';
import type { Lease } from './lease.js';
import type { LeaseServer } from './lease-server.js';

/** Releases that the server has not confirmed. Each is sent again until it is confirmed or the lease has expired. */
export class Releases {
  /** The leases and the times at which they expire on the server anyway. Oldest first. */
  private readonly unconfirmed = new Map<Lease, number>();
  private readonly sending = new Set<Promise<void>>();

  constructor(
    private readonly server: LeaseServer,
    private readonly settings: { readonly leaseMs: number; readonly clock: Clock },
  ) {}

  get size(): number {
    return this.unconfirmed.size;
  }

  /** Releases leases that have ended. */
  add(leases: readonly Lease[]): void {
    const { clock, leaseMs } = this.settings;
    this.dropExpired();
    for (const lease of leases) this.unconfirmed.set(lease, clock.now() + leaseMs);
    void this.send(leases);
  }

  /** Sends all unconfirmed releases again. */
  async resend(): Promise<void> {
    this.dropExpired();
    const leases = [...this.unconfirmed.keys()];
    for (let i = 0; i < leases.length && this.server.up; i += BATCH_SIZE)
      await this.send(leases.slice(i, i + BATCH_SIZE));
  }

  /** Resolves when all releases that are under way were answered or have failed. */
  async settled(): Promise<void> {
    await Promise.all(this.sending);
  }

  private send(leases: readonly Lease[]): Promise<void> {
    const sending: Promise<void> = this.run(leases).finally(() => this.sending.delete(sending));
    this.sending.add(sending);
    return sending;
  }

  private async run(leases: readonly Lease[]): Promise<void> {
    // Wait for a grant that is under way. Otherwise it could take effect after the release.
    await Promise.allSettled(leases.map(({ pending }) => pending));
    try {
      await this.server.release(leases);
      for (const lease of leases) this.unconfirmed.delete(lease);
    } catch {
      // The server is unavailable. The next renewal sends the releases again.
    }
  }

  private dropExpired(): void {
    const now = this.settings.clock.now();
    for (const [lease, expiry] of this.unconfirmed) {
      if (expiry > now) return;
      this.unconfirmed.delete(lease);
    }
  }
}

const BATCH_SIZE = 500;
