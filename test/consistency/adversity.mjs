import { setTimeout as sleep } from 'node:timers/promises';

/** The possible faults, and their relative frequency. */
const KINDS = [
  ['kill a node', 32],
  ['restart a node', 8],
  ['freeze a node', 10],
  ['restart Redis', 15],
  ['kill Redis', 10],
  ['freeze Redis', 15],
  ['pause Redis', 10],
];

/** The faults during a run, one after the other, and sometimes one during another. */
export class Adversity {
  counts = Object.fromEntries(KINDS.map(([kind]) => [kind, 0]));
  #history;
  #nodes;
  #redis;
  #random;
  #meanMs;
  #busy = new Set();
  #running = [];

  /**
   * @param redis `undefined` for the log in memory
   * @param meanMs mean time between two faults
   */
  constructor({ history, nodes, redis, random, meanMs }) {
    this.#history = history;
    this.#nodes = nodes;
    this.#redis = redis;
    this.#random = random;
    this.#meanMs = meanMs;
  }

  /** Continues until `over()`, and then until everything works again. */
  async run(over) {
    for (let next = this.#next(); !over(); await sleep(100)) {
      if (Date.now() < next) continue;
      this.#strike();
      next = this.#next();
    }
    await Promise.all(this.#running);
  }

  #next() {
    return Date.now() + this.#random.around(this.#meanMs);
  }

  #strike() {
    const kind = this.#choose();
    const node = this.#random.pick(this.#nodes.list);
    const [target, name] = / Redis$/.test(kind) ? [this.#redis, 'Redis'] : [node, node.name];
    const shortMs = this.#random.around(600);
    const longMs = this.#random.integer(100, 7500);
    // At most one fault at a time for each target.
    if (this.#busy.has(target)) return;
    this.#busy.add(target);
    this.counts[kind]++;
    const work = this.#cause(kind, target, shortMs, longMs).finally(() => this.#busy.delete(target));
    const note = (what) => this.#history.incident(`${kind.replace(/a node|Redis/, name)}: ${what}`);
    note('begins');
    this.#running.push(work.then(() => note('over')));
  }

  async #cause(kind, target, shortMs, longMs) {
    if (kind.startsWith('freeze')) return target.child.freeze(longMs / (target === this.#redis ? 1 : 2));
    if (kind === 'pause Redis') {
      await target.pauseClients(longMs / 2);
      return sleep(longMs / 2);
    }
    const ended = await target.child.end(kind.startsWith('restart') ? 'SIGTERM' : 'SIGKILL');
    if (!ended) this.#history.trouble(`${kind}: it did not end on SIGTERM`);
    await sleep(shortMs);
    return target.child.start();
  }

  #choose() {
    const possible = KINDS.filter(([kind]) => this.#redis || !kind.endsWith('Redis'));
    let points = this.#random.number() * possible.reduce((sum, [, weight]) => sum + weight, 0);
    return possible.find(([, weight]) => (points -= weight) < 0)[0];
  }
}
