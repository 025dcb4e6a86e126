/** A queue in one circular array: adding, dropping the oldest and reading by index each take constant time. */
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

  /** Drops and returns the oldest. */
  shift(): T | undefined {
    if (this.count === 0) return undefined;
    const item = this.items[this.head];
    this.items[this.head] = undefined;
    this.head = (this.head + 1) & (this.items.length - 1);
    this.count--;
    // A quarter, not a half: a queue that sways around a size is not copied each time.
    if (this.items.length > INITIAL && this.count <= this.items.length >> 2) {
      this.resize(this.items.length >> 1);
    }
    return item;
  }

  /** The item at an index from the oldest, 0; `undefined` past the end. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.count) return undefined;
    return this.items[(this.head + index) & (this.items.length - 1)];
  }

  /** How many items from the oldest on pass a test that no item after the first failing one passes. */
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

/** A power of two, as all capacities: an index wraps by a mask. */
const INITIAL = 4;

function emptySlots<T>(length: number): (T | undefined)[] {
  return Array.from({ length });
}
