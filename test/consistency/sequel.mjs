/** The order of the events in a channel, as its clients received them. */
export class Sequel {
  /** For each event, the next events, each with the first client that received them in this order. */
  #after;
  #tangled;
  #skipped = new Map();

  constructor({ events, lives }) {
    this.#after = events.map(() => new Map());
    const before = events.map(() => new Set());
    const order = [];
    for (const life of lives) {
      for (const { from, to, gap } of steps(life, events)) {
        order.push([from, to]);
        if (gap) continue;
        if (!this.#after[from].has(to)) this.#after[from].set(to, life);
        before[to].add(from);
      }
    }
    this.#tangled = tangled(events.length, order);
    for (const [from, after] of this.#after.entries())
      if (after.size > 1) this.#compare(from, [...after.keys()]);
    for (const [to, froms] of before.entries()) {
      const left = [...froms].filter((from) => !this.#skipped.has(key(from, to)) && !this.#tangled.has(from));
      if (left.length > 1 && !this.#tangled.has(to)) for (const from of left) this.#skip(from, to, []);
    }
  }

  /** Whether a client received these two in direct succession. */
  joins(from, to) {
    return this.#after[from]?.has(to) === true;
  }

  /** The events that other clients received between these two. Empty if they disagree and the right order is unknown. */
  skippedBetween(from, to) {
    return this.#skipped.get(key(from, to));
  }

  /** Whether other clients received this event in another order. */
  isTangled(index) {
    return this.#tangled.has(index);
  }

  #compare(from, followers) {
    if (this.#tangled.has(from)) return;
    for (const to of followers) {
      const between = this.#path(
        followers.filter((other) => other !== to),
        to,
      );
      if (between) this.#skip(from, to, between);
    }
    const left = followers.filter((to) => !this.#skipped.has(key(from, to)));
    if (left.length > 1) for (const to of left) this.#skip(from, to, []);
  }

  #skip(from, to, between) {
    this.#skipped.set(key(from, to), between);
  }

  /** The shortest way from one of some events to another. */
  #path(starts, goal) {
    const cameFrom = new Map(starts.map((start) => [start, undefined]));
    for (const at of cameFrom.keys()) {
      if (at === goal) {
        const path = [];
        for (let step = cameFrom.get(goal); step !== undefined; step = cameFrom.get(step)) path.unshift(step);
        return path;
      }
      for (const next of this.#after[at].keys()) if (!cameFrom.has(next)) cameFrom.set(next, at);
    }
    return undefined;
  }
}

/** The steps from one event to the next in a life, without repetitions. */
export function* steps({ start, entries }, events) {
  const given = new Set();
  let from = start.after;
  let gap = false;
  for (const [at, to] of entries.entries()) {
    if (to < 0) gap = true;
    else if (events[to] && !given.has(to)) {
      if (from !== undefined && from !== to) yield { from, to, gap, at };
      given.add(to);
      from = to;
      gap = false;
    }
  }
}

/** Events that precede themselves through other events. */
function tangled(count, order) {
  const [forward, backward] = [1, 2].map(() => Array.from({ length: count }, () => []));
  for (const [from, to] of order) {
    forward[from].push(to);
    backward[to].push(from);
  }
  const left = new Set(Array(count).keys());
  for (const [links, back] of [
    [forward, backward],
    [backward, forward],
  ]) {
    const open = back.map((sources) => sources.filter((source) => left.has(source)).length);
    const free = [...left].filter((index) => open[index] === 0);
    for (let index = free.pop(); index !== undefined; index = free.pop()) {
      left.delete(index);
      for (const next of links[index]) if (left.has(next) && --open[next] === 0) free.push(next);
    }
  }
  return left;
}

function key(from, to) {
  return `${from} ${to}`;
}
