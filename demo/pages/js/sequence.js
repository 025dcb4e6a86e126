/** Checks that the numbers of a stream follow one another: counts those that are missing, doubled, or late. */
export class Sequence {
  constructor() {
    this.reset();
  }

  reset() {
    this.received = 0;
    this.doubled = 0;
    this.late = 0;
    this.first = undefined;
    this.last = undefined;
    this.seen = new Set();
  }

  /** The numbers between the first and the last one that did not arrive. */
  get missing() {
    return this.first === undefined ? 0 : this.last - this.first + 1 - this.seen.size;
  }

  /** Adds a number. Returns whether it is new. */
  add(number, isLate) {
    this.received++;
    if (this.seen.has(number)) {
      this.doubled++;
      return false;
    }
    if (isLate) this.late++;
    this.seen.add(number);
    this.first = Math.min(this.first ?? number, number);
    this.last = Math.max(this.last ?? number, number);
    return true;
  }
}
