import type { SlotRequest } from '../../limits/limits.js';

/** A place of this process under one key, which lasts as long as it is renewed. */
export class Lease {
  /** When Redis granted it, in microseconds of Redis's clock; '' if it was granted while Redis was away. */
  since = '';
  /** True once it was released or evicted. */
  over = false;
  /** What Redis was last asked about it, until the answer is here. A release waits for that, so nothing comes after it. */
  asked: Promise<unknown> | undefined;

  constructor(
    readonly id: string,
    readonly request: SlotRequest,
  ) {}
}

/** The leases of this process. */
export class Leases {
  /** Those that connections hold, by key, oldest first. */
  private readonly held = new Map<string, Set<Lease>>();
  /** All of them, also those that Redis has not granted yet: such a lease can be evicted before the answer is here. */
  private readonly known = new Map<string, Lease>();
  private count = 0;

  /** The number of leases that connections hold. */
  get size(): number {
    return this.count;
  }

  /** Makes a lease known by its id. */
  expect(lease: Lease): void {
    this.known.set(lease.id, lease);
  }

  /** Counts a lease as held, unless it is over already. */
  hold(lease: Lease): void {
    if (lease.over) return;
    const { key } = lease.request;
    const leases = this.held.get(key);
    if (leases) leases.add(lease);
    else this.held.set(key, new Set([lease]));
    this.count++;
  }

  /** Marks a lease as over and forgets it; false if it was over before. */
  end(lease: Lease): boolean {
    if (lease.over) return false;
    lease.over = true;
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

  /** The held leases of each key, in parts of at most `size`. */
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
