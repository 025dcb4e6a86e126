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

  /**
   * Sends all unconfirmed releases again, except one batch of each key that is renewed. Returns those batches, which the renewals
   * have to send.
   */
  async resend(isRenewed: (key: string) => boolean): Promise<ReadonlyMap<string, readonly Lease[]>> {
    this.dropExpired();
    const withRenewal = new Map<string, Lease[]>();
    const leases = [...this.unconfirmed.keys()].filter((lease) => {
      const { key } = lease.request;
      const batch = withRenewal.get(key) ?? [];
      if (lease.pending || batch.length >= BATCH_SIZE || !isRenewed(key)) return true;
      batch.push(lease);
      withRenewal.set(key, batch);
      return false;
    });
    for (let i = 0; i < leases.length && this.server.up; i += BATCH_SIZE)
      await this.send(leases.slice(i, i + BATCH_SIZE));
    return withRenewal;
  }

  /** These releases have reached the server. */
  confirm(leases: readonly Lease[]): void {
    for (const lease of leases) this.unconfirmed.delete(lease);
  }

  /** Resolves when all releases that are under way were answered or have failed. */
  async settled(): Promise<void> {
    await Promise.all(this.sending);
  }

  /** Sends releases. Never rejects: what fails is sent again with the next renewal. */
  send(leases: readonly Lease[]): Promise<void> {
    if (leases.length === 0) return Promise.resolve();
    const sending: Promise<void> = this.run(leases).finally(() => this.sending.delete(sending));
    this.sending.add(sending);
    return sending;
  }

  private async run(leases: readonly Lease[]): Promise<void> {
    // Wait for a grant that is under way. Otherwise it could take effect after the release.
    await Promise.allSettled(leases.map(({ pending }) => pending));
    try {
      await this.server.release(leases);
      this.confirm(leases);
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
