import fc from 'fast-check';
import { isGap, type ChannelSubscription } from 'nestjs-event-stream';
import { TestNodes, turns, type TestNode } from '../../test/fixtures/nodes.js';
import { Hand } from '../../test/fixtures/run-viewer.js';

const LEASE_MS = 15_000;
const ID = 'r';

/** A value of a source: the number of the start of the ID, and the number of the value. */
type Value = readonly [start: number, n: number];

/** One start of the ID, under the control of the test. */
interface Start {
  readonly hand: Hand;
  given: number;
  ended: boolean;
}

/** A viewer of the run, which checks the received events. */
class Viewer {
  start: number | undefined;
  last = -1;
  lastId: string | undefined;
  /** How it ended, and the first fault in the received events, if any. */
  end: string | undefined;
  over = false;
  private subscription: ChannelSubscription | undefined;

  async attach({ runs }: TestNode): Promise<void> {
    const subscription = await runs.attach(ID, { after: this.lastId });
    this.subscription = subscription;
    void this.follow(subscription);
  }

  ending(error: unknown): void {
    this.end = nameOf(error);
    this.over = true;
  }

  async detach(): Promise<void> {
    const { subscription } = this;
    this.subscription = undefined;
    await subscription?.return();
  }

  private async follow(subscription: ChannelSubscription): Promise<void> {
    try {
      await this.read(subscription);
      if (subscription === this.subscription) this.ending('ended');
    } catch (error) {
      if (subscription === this.subscription) this.ending(error);
    }
  }

  private async read(subscription: ChannelSubscription): Promise<void> {
    // A new viewer starts at the beginning of the current run.
    let fresh = this.lastId === undefined;
    for await (const event of subscription) {
      if (subscription !== this.subscription) return;
      this.lastId = event.id;
      if (isGap(event)) {
        expect(fresh).toBe(false);
        fresh = true;
        continue;
      }
      if (event.type === 'stopped') continue;
      const [start, n] = event.data as Value;
      expect([start, n]).toEqual(fresh ? [start, 0] : [this.start, this.last + 1]);
      // Only another start of the id is a gap: the log keeps all.
      if (fresh && this.start !== undefined && this.last !== -1) expect(start).toBeGreaterThan(this.start);
      [fresh, this.start, this.last] = [false, start, n];
    }
  }
}

/** The possible ends of viewers. */
const ends = ['ended', 'SSE_RUN_UNKNOWN', 'SSE_RUN_LOST', '500'];

function nameOf(end: unknown): string {
  if (typeof end === 'string') return end;
  const { code, status, message } = end as { code?: string; status?: number; message?: string };
  return code ?? (status === undefined ? String(message) : String(status));
}

const step = fc.record({
  do: fc.constantFrom(
    ...['start', 'start', 'give', 'give', 'give', 'done', 'fail', 'stop', 'view', 'view', 'move', 'move'],
    ...['cut', 'mend', 'mend', 'time', 'turn'],
  ),
  node: fc.nat(2),
  count: fc.integer({ min: 1, max: 9 }),
});

class Model {
  readonly nodes = new TestNodes();
  readonly all = [this.nodes.add(), this.nodes.add(), this.nodes.add()];
  readonly starts: Start[] = [];
  readonly viewers: Viewer[] = [];
  private readonly pending: Promise<unknown>[] = [];

  async take({ do: what, node: n, count }: { do: string; node: number; count: number }): Promise<void> {
    const node = this.all[n] as TestNode;
    const current = this.starts.findLast(({ hand, ended }) => hand.signal && !ended);
    const viewer = this.viewers[count % Math.max(this.viewers.length, 1)];
    if (what === 'start') this.start(node);
    else if (what === 'give' && current) this.give(current, count);
    else if (what === 'done') this.finish(current);
    else if (what === 'fail') this.finish(current, new Error('broken'));
    else if (what === 'stop') this.later(node.runs.stop(ID));
    else if (what === 'view') {
      const newcomer = new Viewer();
      this.later(newcomer.attach(node).then(() => this.viewers.push(newcomer)));
    } else if (what === 'move' && viewer && !viewer.over) {
      await viewer.detach();
      this.later(viewer.attach(node));
    } else if (what === 'cut') node.wire.cut();
    else if (what === 'mend') node.wire.mend();
    else if (what === 'time') await this.nodes.advance(count * 1000);
    await turns(count % 4);
  }

  /** Ends all outages. Then every viewer ends, and all nodes agree on the outcome. */
  async calm(): Promise<void> {
    for (const { wire } of this.all) wire.mend();
    await turns();
    for (const start of this.starts) this.finish(start);
    // A claim whose answer was lost has no owner. That is noticed at the next check.
    await Promise.all(this.all.map(({ runs }) => runs.status(ID)));
    await this.nodes.advance(LEASE_MS * 3);
    await Promise.all(this.pending);
    const statuses = await Promise.all(this.all.map(({ runs }) => runs.status(ID)));
    expect(new Set(statuses).size).toBe(1);
    expect(statuses[0]).not.toBe('running');
    const late = [new Viewer(), new Viewer(), new Viewer()];
    for (const [n, viewer] of late.entries()) {
      await viewer.attach(this.all[n] as TestNode).catch((error: unknown) => viewer.ending(error));
    }
    for (const viewer of this.viewers) {
      if (viewer.over) continue;
      await viewer.detach();
      await viewer.attach(this.all[0] as TestNode).catch((error: unknown) => viewer.ending(error));
    }
    await this.nodes.advance(LEASE_MS * 3);
    const [{ start, last } = new Viewer()] = late;
    for (const viewer of [...late, ...this.viewers]) {
      expect(ends).toContain(viewer.end);
      if (viewer.start === start) expect(viewer.last).toBe(last);
    }
    // All values of a source that has ended were received.
    if (statuses[0] === 'completed') expect(last).toBe((this.starts[start ?? -1]?.given ?? 0) - 1);
  }

  async close(): Promise<void> {
    const closing = this.all.map(({ runs }) => runs.close(1000));
    await this.nodes.advance(2000);
    await Promise.all(closing);
    for (const { hand } of this.starts) expect(hand.signal === undefined || hand.finished).toBe(true);
    for (const { channels } of this.all) expect(channels.list()).toEqual([]);
    // The sweep of the log.
    expect(this.nodes.clock.size).toBeLessThanOrEqual(1);
  }

  private start({ runs }: TestNode): void {
    const start: Start = { hand: new Hand(), given: 0, ended: false };
    this.starts.push(start);
    this.later(runs.start(ID, start.hand.source));
  }

  private give(start: Start, count: number): void {
    for (let i = 0; i < count; i++) start.hand.give([this.starts.indexOf(start), start.given++]);
  }

  private finish(start: Start | undefined, error?: Error): void {
    if (!start) return;
    start.ended = true;
    if (error) start.hand.fail(error);
    else start.hand.done();
  }

  private later(promise: Promise<unknown>): void {
    this.pending.push(promise.catch(() => undefined));
  }
}

describe('runs, whatever happens to their nodes and viewers in any order', () => {
  it('deliver each value once and in order from the beginning, and the same end to every viewer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const model = new Model();
        for (const each of steps) await model.take(each);
        await model.calm();
        await model.close();
      }),
      { numRuns: 100 },
    );
  }, 60_000);
});
