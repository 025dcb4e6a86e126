import type { Slot, SlotRequest } from '../../limits/limits.js';

/** A place that a connection of this process holds, for as long as it is renewed. */
export class Lease implements Slot {
  /** Since when by Redis's clock; '' if it was given while Redis was away. */
  since = '';
  private over = false;

  constructor(
    readonly id: string,
    readonly request: SlotRequest,
    private readonly onOver: (lease: Lease, replaced: boolean) => void,
  ) {}

  release(): void {
    this.end(false);
  }

  /** Somebody else has the place. */
  replace(): void {
    if (this.end(true)) this.request.onReplaced();
  }

  private end(replaced: boolean): boolean {
    if (this.over) return false;
    this.over = true;
    this.onOver(this, replaced);
    return true;
  }
}

/** The leases of this process: by key, the oldest first, and by their id. */
export class Leases {
  private readonly byKey = new Map<string, Set<Lease>>();
  private readonly byId = new Map<string, Lease>();

  get size(): number {
    return this.byId.size;
  }

  add(lease: Lease): void {
    const { key } = lease.request;
    const held = this.byKey.get(key);
    if (held) held.add(lease);
    else this.byKey.set(key, new Set([lease]));
    this.byId.set(lease.id, lease);
  }

  delete(lease: Lease): void {
    const { key } = lease.request;
    this.byId.delete(lease.id);
    const held = this.byKey.get(key);
    if (held?.delete(lease) && held.size === 0) this.byKey.delete(key);
  }

  get(id: string): Lease | undefined {
    return this.byId.get(id);
  }

  of(key: string): ReadonlySet<Lease> {
    return this.byKey.get(key) ?? NONE;
  }

  /** The leases of each key. */
  keys(): [key: string, leases: Lease[]][] {
    return [...this.byKey].map(([key, leases]) => [key, [...leases]]);
  }
}

const NONE: ReadonlySet<Lease> = new Set();
