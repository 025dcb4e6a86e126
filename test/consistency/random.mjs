/** Numbers that are the same for the same seed and name, whatever else happens in the run. */
export class Random {
  #state;

  constructor(seed, name) {
    let state = 0x811c9dc5;
    for (const character of `${seed}/${name}`) {
      state = Math.imul(state ^ character.codePointAt(0), 0x01000193);
    }
    this.#state = state >>> 0;
  }

  /** From 0 to 1, without 1 (mulberry32). */
  number() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  integer(min, max) {
    return min + Math.floor(this.number() * (max - min + 1));
  }

  chance(probability) {
    return this.number() < probability;
  }

  pick(items) {
    return items[this.integer(0, items.length - 1)];
  }

  /** Many small numbers, a few large ones; never more than 6 times the mean. */
  around(mean) {
    return Math.min(-Math.log(1 - this.number()), 6) * mean;
  }
}
