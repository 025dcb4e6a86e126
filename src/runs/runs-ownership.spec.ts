import fc from 'fast-check';
import { ownRuns } from '../../test/fixtures/own-runs.js';
import { TestNodes, turns, type TestNode } from '../../test/fixtures/nodes.js';
import { Hand } from '../../test/fixtures/run-viewer.js';
import { RunControl } from './run-control.js';

const LEASE_MS = 15_000;
const ID = 'r';
const RUNS = Number(process.env['OWNERSHIP_RUNS'] ?? 100);

const step = fc.record({
  do: fc.constantFrom(
    ...['start', 'start', 'start', 'done', 'done', 'look', 'stop', 'suspend', 'suspend', 'resume', 'resume'],
    ...['cut', 'mend', 'hold', 'release', 'time', 'time', 'long', 'turn'],
  ),
  node: fc.nat(2),
  count: fc.integer({ min: 1, max: 9 }),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Three nodes that start one id again and again, and an observer that reads its control channel after each step. */
class Model {
  private readonly nodes: TestNodes;
  private readonly all: TestNode[];
  private readonly hands: Hand[] = [];
  private readonly pending: Promise<unknown>[] = [];
  private readonly observer: RunControl;
  private readonly past: string[] = [];
  private readonly over = new Set<string>();

  constructor(maxAgeMs: number) {
    this.nodes = new TestNodes({ maxAgeMs });
    this.all = [this.nodes.add(), this.nodes.add(), this.nodes.add({ orphanMs: 20_000 })];
    this.observer = new RunControl(this.nodes.log, ID);
  }

  async take({ do: what, node: n, count }: Step): Promise<void> {
    const { process, runs, wire } = this.all[n] as TestNode;
    if (what === 'start') {
      const hand = new Hand();
      this.hands.push(hand);
      this.later(runs.start(ID, hand.source));
    } else if (what === 'done') this.hands.findLast(({ signal }) => signal && !signal.aborted)?.done();
    else if (what === 'look') this.later(runs.status(ID));
    else if (what === 'stop') this.later(runs.stop(ID));
    else if (what === 'suspend') process.suspend();
    else if (what === 'resume') process.resume();
    else if (what === 'hold') process.holdLog();
    else if (what === 'release') process.releaseLog();
    else if (what === 'cut') wire.cut();
    else if (what === 'mend') wire.mend();
    else if (what === 'time') await this.time(count * 1000);
    else if (what === 'long') await this.time(count * 10_000);
    await turns(count % 4);
    await this.observe();
  }

  /** Whatever a suspended node sends, an ID never returns to an earlier run, and a run that has ended stays ended. */
  private async observe(): Promise<void> {
    const end = await this.nodes.log.tail(`run:${ID}`);
    await this.observer.catchUp();
    const late = new RunControl(this.nodes.log, ID);
    await late.catchUp();
    const known = this.observer.state;
    for (const { current, running } of [known, late.state]) {
      if (!current) continue;
      if (this.past.at(-1) !== current.run) expect(this.past).not.toContain(current.run);
      if (this.past.at(-1) !== current.run) this.past.push(current.run);
      if (!running) this.over.add(current.run);
      else expect(this.over).not.toContain(current.run);
    }
    // A node that is late knows the same, or nothing, if nothing was written between the two reads.
    const quiet = (await this.nodes.log.tail(`run:${ID}`)) === end;
    if (quiet && known.current && late.state.current) {
      expect([late.state.current.run, late.state.running]).toEqual([known.current.run, known.running]);
    }
  }

  async calm(): Promise<void> {
    for (const { process, wire } of this.all) {
      wire.mend();
      process.releaseLog();
      process.resume();
    }
    await turns();
    await Promise.all(this.all.map(({ runs }) => runs.status(ID)));
    await this.time(3 * LEASE_MS);
    await Promise.all(this.pending);
    await this.observe();
    const { running } = this.observer.state;
    // One owner, and one source at work, if there is a run. None otherwise.
    expect(this.all.flatMap(({ runs }) => ownRuns(runs))).toEqual(running ? [ID] : []);
    expect(this.hands.filter(({ signal, finished }) => signal && !finished)).toHaveLength(running ? 1 : 0);
    const statuses = await Promise.all(this.all.map(({ runs }) => runs.status(ID)));
    expect(new Set(statuses).size).toBe(1);
    expect(statuses[0] === 'running').toBe(running);
    for (const { logger } of this.all) expect(logger.errors).toEqual([]);
  }

  async close(): Promise<void> {
    const closing = this.all.map(({ runs }) => runs.close(1000));
    await this.time(2000);
    await Promise.all(closing);
    expect(this.nodes.clock.size).toBeLessThanOrEqual(1);
  }

  private async time(ms: number): Promise<void> {
    await this.nodes.advance(ms, Math.max(500, ms / 30));
  }

  private later(promise: Promise<unknown>): void {
    this.pending.push(promise.catch(() => undefined));
  }
}

describe('the owner of an ID, whatever happens to the nodes in any order', () => {
  it.each([
    ['everything', 3_600_000],
    ['little more than a lease', 20_000],
  ])(
    'is unique, and an earlier one never takes the ID back, in a log that keeps %s',
    async (_, maxAgeMs) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const model = new Model(maxAgeMs);
          for (const each of steps) await model.take(each);
          await model.calm();
          await model.close();
        }),
        { numRuns: RUNS },
      );
    },
    240_000,
  );
});
