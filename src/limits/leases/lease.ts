import type { SlotRequest, SlotUse } from '../limits.js';

/** A slot of this process under one key. It must be renewed, or it expires. */
export class Lease {
  /**
   * When the server granted it, in microseconds by the clock of the server; '' if it was granted while the server was
   * unavailable.
   */
  since = '';
  /** True once it was released or evicted. */
  ended = false;
  /** The command about this lease that is under way. A release waits for it, so that the release is the last command. */
  pending: Promise<unknown> | undefined;

  constructor(
    readonly id: string,
    readonly request: SlotRequest,
  ) {}
}

/** The leases of this process. */
export class Leases {
  /** The leases that connections hold, by key, oldest first. */
  private readonly held = new Map<string, Set<Lease>>();
  /** All leases by id. Includes those that are not granted yet: one can be evicted before the answer of the server arrives. */
  private readonly known = new Map<string, Lease>();
  private count = 0;

  /** The number of leases that connections hold. */
  get size(): number {
    return this.count;
  }

  /** Adds a lease that is about to be requested. */
  add(lease: Lease): void {
    this.known.set(lease.id, lease);
  }

  /** Counts a lease as held, unless it has ended. */
  hold(lease: Lease): void {
    if (lease.ended) return;
    const { key } = lease.request;
    const leases = this.held.get(key);
    if (leases) leases.add(lease);
    else this.held.set(key, new Set([lease]));
    this.count++;
  }

  /** Ends a lease and removes it. Returns false if it had ended before. */
  end(lease: Lease): boolean {
    if (lease.ended) return false;
    lease.ended = true;
    this.known.delete(lease.id);
    const { key } = lease.request;
    const leases = this.held.get(key);
    if (leases?.delete(lease)) {
      this.count--;
      if (leases.size === 0) this.held.delete(key);
    }
    return true;
  }

  get(id: string): Lease | undefined {
    return this.known.get(id);
  }

  of(key: string): ReadonlySet<Lease> {
    return this.held.get(key) ?? NONE;
  }

  /** The keys of the held leases, and their number. */
  use(): SlotUse[] {
    return [...this.held].flatMap(([key, leases]) => {
      const [lease] = leases;
      return lease ? [{ key, taken: leases.size, max: lease.request.max }] : [];
    });
  }

  /** The held leases of all keys, in parts of at most `size`. Each part has leases of one key. */
  parts(size: number): Lease[][] {
    const parts: Lease[][] = [];
    for (const leases of this.held.values()) {
      const all = [...leases];
      for (let i = 0; i < all.length; i += size) parts.push(all.slice(i, i + size));
    }
    return parts;
  }

  all(): Lease[] {
    return [...this.known.values()];
  }
}

const NONE: ReadonlySet<Lease> = new Set();
