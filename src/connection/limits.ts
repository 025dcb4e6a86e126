/** What happens to a connection beyond a limit: this status, `retry:` and an end, or the oldest one makes way. */
export type LimitAnswer = number | 'retry' | 'replace';

/** A place that a connection holds; given back exactly once, on whatever path. */
export interface Slot {
  release(): void;
}

interface Holder extends Slot {
  replace(): void;
}

/** Counts who holds places under which key. One instance a process (or a distributed one in its stead). */
export class SlotTable {
  private readonly holders = new Map<string, Set<Holder>>();

  /**
   * A slot under `key`, or `undefined` when all `max` are taken. With `replaceOldest` the oldest holder is told to
   * go (its `onReplaced`) and there is always room.
   */
  acquire(key: string, max: number, onReplaced: () => void, replaceOldest: boolean): Slot | undefined {
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
