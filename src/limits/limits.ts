/** What happens to a connection beyond a limit: this status, `retry:` and an end, or the oldest one makes way. */
export type LimitAnswer = number | 'retry' | 'replace';

/** A place that a connection holds; given back exactly once, on whatever path. */
export interface Slot {
  /** Gives the place back. Never throws; what a distributed store has to wait for, it waits for by itself. */
  release(): void;
}

/** What a connection asks a {@link SlotStore} for. */
export interface SlotRequest {
  /** What is counted: equal keys count together, in all processes that share the store. */
  key: string;
  /** As many may be held under `key`. */
  max: number;
  /** With all taken the oldest holder is told to go, so that there is always room. */
  replaceOldest: boolean;
  /** Called at most once, if this holder is the one to go. Its slot is released already. */
  onReplaced(): void;
}

/**
 * Counts who holds places under which key: `SlotTable` for one process; one that several processes share answers with
 * promises. `acquire` is called once a connection and limit, in the order of the limits, and what it gave is released
 * once: also if the client left meanwhile, or a later limit said no. A rejection is the request's HTTP error. A slot
 * of a process that has died is to become free by itself.
 */
export interface SlotStore {
  /** A slot, or `undefined` when all are taken and nobody is to be replaced. */
  acquire(request: SlotRequest): Slot | undefined | Promise<Slot | undefined>;
  /** Gives back what the store itself holds, such as a connection, once no stream is open any more. */
  close?(): void | Promise<void>;
}

interface Holder extends Slot {
  replace(): void;
}

/** The slots of one process. */
export class SlotTable implements SlotStore {
  private readonly holders = new Map<string, Set<Holder>>();

  acquire({ key, max, replaceOldest, onReplaced }: SlotRequest): Slot | undefined {
    let held = this.holders.get(key);
    if (held && held.size >= max) {
      const [oldest] = held;
      if (!replaceOldest || !oldest) return undefined;
      oldest.release();
      oldest.replace();
      held = this.holders.get(key);
    }
    if (!held) this.holders.set(key, (held = new Set()));
    const set = held;
    const holder: Holder = {
      replace: onReplaced,
      release: () => {
        set.delete(holder);
        if (set.size === 0 && this.holders.get(key) === set) this.holders.delete(key);
      },
    };
    set.add(holder);
    return holder;
  }

  /** How many hold a place under `key`. */
  count(key: string): number {
    return this.holders.get(key)?.size ?? 0;
  }

  /** How many keys have holders. */
  get size(): number {
    return this.holders.size;
  }
}
