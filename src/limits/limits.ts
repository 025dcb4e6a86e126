import type { LineLogger } from '../errors/health-report.js';

/** The slots that one `acquire()` call was granted. */
export interface Slot {
  /** Releases all of them. Never throws. Calls after the first do nothing. */
  release(): void;
}

/** A request for one slot of a {@link SlotStore}. */
export interface SlotRequest {
  /** The key under which the slot counts. Equal keys are counted together, in all processes that share the store. */
  key: string;
  /** The number of slots under `key`. */
  max: number;
  /** If all slots are taken, the oldest holder is evicted, so the request always succeeds. */
  replaceOldest: boolean;
  /**
   * Called at most once, when the store has evicted the holder of this slot. It can be called before the promise of
   * `acquire()` has settled. It never throws.
   */
  onReplaced(): void;
}

/** The slots under one key that this process holds. */
export interface SlotUse {
  readonly key: string;
  readonly taken: number;
  readonly max: number;
}

/** The answer of a {@link SlotStore}: the granted slots, or the first request whose limit is reached. */
export type SlotAnswer = { readonly slot: Slot } | { readonly full: SlotRequest };

/**
 * Counts the holders of each key: `SlotTable` in one process, `redisSlots()` in several.
 *
 * `acquire()` is atomic: if one request is refused, no slot is taken and no holder is evicted, not even for a moment. The keys
 * of one call differ. The library releases every slot once, even if the client has left in the meantime. A rejection becomes
 * the HTTP error of the request. The slots of a process that has crashed must become free without a call.
 */
export interface SlotStore {
  /** Takes a slot for each request, or none at all. */
  acquire(requests: readonly SlotRequest[]): SlotAnswer | Promise<SlotAnswer>;
  /** The keys under which this process holds slots. Without it, the inspector cannot show them. */
  use?(): SlotUse[];
  /** Receives a logger. Write one line to it when the store cannot be used, and one when it can be used again. */
  useLogger?(logger: LineLogger): void;
  /** Releases the store's own resources, such as connections. Called when the last stream has ended. */
  close?(): void | Promise<void>;
}

/** The slots of one process. */
export class SlotTable implements SlotStore {
  private readonly holders = new Map<string, Set<Holder>>();

  acquire(requests: readonly SlotRequest[]): SlotAnswer {
    for (const request of requests) {
      if (!request.replaceOldest && this.count(request.key) >= request.max) return { full: request };
    }
    const evicted: Holder[] = [];
    const taken = requests.map((request) => this.take(request, evicted));
    // Called only now that every slot is counted, because the callback may release a slot or acquire another.
    for (const { request } of evicted) request.onReplaced();
    return { slot: new TakenSlot(taken) };
  }

  /** The number of holders of `key`. */
  count(key: string): number {
    return this.holders.get(key)?.size ?? 0;
  }

  use(): SlotUse[] {
    return [...this.holders].flatMap(([key, held]) => {
      const [holder] = held;
      return holder ? [{ key, taken: held.size, max: holder.request.max }] : [];
    });
  }

  /** The number of keys that have holders. */
  get size(): number {
    return this.holders.size;
  }

  private take(request: SlotRequest, evicted: Holder[]): Holder {
    const { key, max } = request;
    let held = this.holders.get(key);
    if (!held) this.holders.set(key, (held = new Set()));
    for (const oldest of held) {
      if (held.size < max) break;
      held.delete(oldest);
      evicted.push(oldest);
    }
    const holder = new Holder(request, held, this.holders);
    held.add(holder);
    return holder;
  }
}

/** A taken slot under one key. */
class Holder {
  constructor(
    readonly request: SlotRequest,
    private readonly held: Set<Holder>,
    private readonly all: Map<string, Set<Holder>>,
  ) {}

  release(): void {
    const { held, all, request } = this;
    // An evicted holder must not remove the set of its successor.
    if (held.delete(this) && held.size === 0) all.delete(request.key);
  }
}

class TakenSlot implements Slot {
  constructor(private readonly holders: readonly Holder[]) {}

  release(): void {
    for (const holder of this.holders) holder.release();
  }
}
