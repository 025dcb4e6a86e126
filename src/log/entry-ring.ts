/** A queue in a circular array. Adding, removing the oldest item and access by index take constant time. */
export class EntryRing<T> {
  private items: (T | undefined)[] = emptySlots(INITIAL);
  private head = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(item: T): void {
    if (this.count === this.items.length) this.resize(this.count * 2);
    this.items[(this.head + this.count) & (this.items.length - 1)] = item;
    this.count++;
  }

  /** Removes and returns the oldest item. */
  shift(): T | undefined {
    if (this.count === 0) return undefined;
    const item = this.items[this.head];
    this.items[this.head] = undefined;
    this.head = (this.head + 1) & (this.items.length - 1);
    this.count--;
    // At a quarter, not at half: otherwise a queue whose size varies around a power of two would be copied again and again.
    if (this.items.length > INITIAL && this.count <= this.items.length >> 2) {
      this.resize(this.items.length >> 1);
    }
    return item;
  }

  /** The item at an index, where 0 is the oldest; `undefined` beyond the end. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.count) return undefined;
    return this.items[(this.head + index) & (this.items.length - 1)];
  }

  /** Counts the items that pass a test, by binary search. All items after the first one that fails must fail as well. */
  partition(passes: (item: T) => boolean): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (passes(this.at(middle) as T)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private resize(capacity: number): void {
    const items = emptySlots<T>(capacity);
    for (let i = 0; i < this.count; i++) items[i] = this.at(i);
    this.items = items;
    this.head = 0;
  }
}

/** Capacities are powers of two, so that a bit mask wraps an index. */
const INITIAL = 4;

function emptySlots<T>(length: number): (T | undefined)[] {
  return Array.from({ length });
}
