import { setTimeout as sleep } from 'node:timers/promises';

/** The incidents, and how often each happens compared with the others. */
const KINDS = [
  ['kill a node', 32],
  ['restart a node', 8],
  ['freeze a node', 10],
  ['restart the server', 15],
  ['kill the server', 10],
  ['freeze the server', 15],
  ['pause the server', 10],
];

/** Causes the incidents of a run, one after the other, and sometimes one during another. */
export class Adversity {
  counts = Object.fromEntries(KINDS.map(([kind]) => [kind, 0]));
  #history;
  #nodes;
  #server;
  #random;
  #meanMs;
  #busy = new Set();
  #running = [];

  /** @param server of the log; none for the log in memory @param meanMs between two of them */
  constructor({ history, nodes, server, random, meanMs }) {
    this.#history = history;
    this.#nodes = nodes;
    this.#server = server;
    this.#random = random;
    this.#meanMs = meanMs;
  }

  /** Goes on until `over()`, and then until everything works again. */
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
    const [target, name] = / server$/.test(kind) ? [this.#server, this.#server.name] : [node, node.name];
    const shortMs = this.#random.around(600);
    const longMs = this.#random.integer(100, 7500);
    // One thing at a time may happen to each.
    if (this.#busy.has(target)) return;
    this.#busy.add(target);
    this.counts[kind]++;
    const work = this.#cause(kind, target, shortMs, longMs).finally(() => this.#busy.delete(target));
    const note = (what) => this.#history.incident(`${kind.replace(/a node|the server/, name)}: ${what}`);
    note('begins');
    this.#running.push(work.then(() => note('over')));
  }

  async #cause(kind, target, shortMs, longMs) {
    if (kind.startsWith('freeze')) return target.child.freeze(longMs / (target === this.#server ? 1 : 2));
    if (kind === 'pause the server') {
      await target.pauseClients(longMs / 2);
      return sleep(longMs / 2);
    }
    const ended = await target.child.end(kind.startsWith('restart') ? 'SIGTERM' : 'SIGKILL');
    if (!ended) this.#history.trouble(`${kind}: it did not end on SIGTERM`);
    if (!this.#server) this.#history.forget();
    await sleep(shortMs);
    return target.child.start();
  }

  #isPossible(kind) {
    if (kind === 'pause the server') return this.#server?.pauseClients !== undefined;
    return this.#server !== undefined || !kind.endsWith('server');
  }

  #choose() {
    const possible = KINDS.filter(([kind]) => this.#isPossible(kind));
    let points = this.#random.number() * possible.reduce((sum, [, weight]) => sum + weight, 0);
    return possible.find(([, weight]) => (points -= weight) < 0)[0];
  }
}
