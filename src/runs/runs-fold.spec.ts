import { Channels, Runs, concat, event, latest, memoryLog } from 'nestjs-event-stream';
import type { AttachOptions, ChannelSubscription, EventLog } from 'nestjs-event-stream';
import { TestNodes, turns, type TestNode } from '../../test/fixtures/nodes.js';
import { Hand, RunViewer } from '../../test/fixtures/run-viewer.js';

/** The text that a client shows. A snapshot replaces it. */
async function textOf(node: TestNode, options?: AttachOptions): Promise<string> {
  let text = '';
  for await (const { type, data } of await node.runs.attach('r', options)) {
    if (type === 'snapshot') text = String(data);
    else text += type === undefined ? String(data) : `[${type}]`;
  }
  return text;
}

async function deltas(nodes: TestNodes, hand: Hand, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    hand.give(`${i},`);
    if (i % 20 === 0) await nodes.advance(100);
  }
  await nodes.advance(1000);
}

const text = (count: number) => Array.from({ length: count }, (_, i) => `${i},`).join('');

describe('a run with a fold', () => {
  it('sends late viewers on every node the state and the rest, although its first events are evicted', async () => {
    const nodes = new TestNodes({ maxEvents: 200 });
    const [one, two, three] = [nodes.add(), nodes.add(), nodes.add()];
    const fold = concat({ every: 10 });
    const hand = new Hand();
    await one.runs.start('r', hand.source, { fold });
    await deltas(nodes, hand, 1000);
    const viewer = await RunViewer.attach(two, 'r', { fold });
    await turns();
    expect(viewer.seen).toEqual(['snapshot']);
    hand.give('x');
    const here = textOf(one, { fold });
    const resumed = RunViewer.attach(three, 'r', { fold, after: viewer.ids.at(-1) });
    await nodes.advance(1000);
    hand.done();
    await nodes.advance(1000);
    expect([await viewer.end, viewer.seen]).toEqual(['ended', ['snapshot', 'x']]);
    expect((await resumed).seen).toEqual(['x']);
    const later = textOf(three, { fold });
    await nodes.advance(1000);
    expect([await here, await later]).toEqual([`${text(1000)}x`, `${text(1000)}x`]);
    const without = textOf(three);
    await nodes.advance(1000);
    expect(await without).toMatch(/^\[gap\]/);
  });

  it('survives its node: viewers elsewhere get the state, the rest, and the end', async () => {
    const nodes = new TestNodes({ maxEvents: 200 });
    const options = { fold: concat({ every: 10 }) };
    const [one, two] = [nodes.add(options), nodes.add(options)];
    const hand = new Hand();
    await one.runs.start('r', hand.source);
    await deltas(nodes, hand, 505);
    one.wire.cut();
    const late = RunViewer.attach(two, 'r');
    await nodes.advance(40_000);
    const { seen, end } = await late;
    expect(seen[0]).toBe('snapshot');
    expect(await end).toMatchObject({ message: expect.stringContaining('lost') });
    one.wire.mend();
    hand.done();
    await nodes.advance(20_000);
  });

  it('gives a client that joins after 100,000 deltas at most 1 % of their bytes', async () => {
    const nodes = new TestNodes({ maxEvents: 100_000, maxBytes: false });
    const node = nodes.add({}, 'direct');
    const fold = latest<{ cell: number }>({ key: ({ data }) => data.cell });
    const hand = new Hand();
    await node.runs.start('r', hand.source, { fold });
    for (let i = 0; i < 100_000; i += 1000) {
      const values = Array.from({ length: 1000 }, (_, n) => ({ cell: (i + n * 31) % 500, value: i + n }));
      hand.give(...values.map((data) => event({ type: 'cell', data })));
      await turns(8);
    }
    await nodes.advance(1000);
    const bytes = async (subscription: ChannelSubscription): Promise<number> => {
      let sum = 0;
      for (let i = 0; i < 5; i++) {
        for (let batch = subscription.take(); batch; batch = subscription.take()) sum += batch.byteLength;
        await turns(2);
      }
      return sum;
    };
    const all = await bytes(await node.runs.attach('r', { fold: false }));
    const state = await bytes(await node.runs.attach('r', { fold }));
    expect(all).toBeGreaterThan(5_000_000);
    expect(state).toBeGreaterThan(10_000);
    expect(state / all).toBeLessThan(0.01);
    hand.done();
    await nodes.advance(1000);
  });

  it('leaves the last event of a run that was stopped to the tail', async () => {
    const nodes = new TestNodes();
    const node = nodes.add({ fold: concat() }, 'direct');
    const hand = new Hand();
    await node.runs.start('r', hand.source);
    hand.give('a', 'b');
    await nodes.advance(500);
    await node.runs.stop('r');
    await nodes.advance(500);
    expect(await textOf(node)).toBe('ab[stopped]');
    expect(await textOf(node, { fold: false })).toBe('ab[stopped]');
  });

  it('uses a snapshot of the application instead, also for a run that has ended', async () => {
    const nodes = new TestNodes();
    const [one, two] = [nodes.add(), nodes.add()];
    const hand = new Hand();
    await one.runs.start('r', hand.source);
    hand.give('a', 'b');
    await nodes.advance(500);
    const options = { snapshot: () => event({ type: 'snapshot', data: 'AB' }) };
    const running = textOf(two, options);
    await nodes.advance(500);
    hand.give('c');
    hand.done();
    await nodes.advance(500);
    const ended = [textOf(one, options), textOf(two, options)];
    await nodes.advance(500);
    expect([await running, ...(await Promise.all(ended))]).toEqual(['ABc', 'AB', 'AB']);
  });
});

describe('a run whose fold cannot be made', () => {
  it('is not started, and leaves its id free', async () => {
    const errors: string[] = [];
    const logger = { error: (line: string) => errors.push(line), warn: (line: string) => errors.push(line) };
    const log = Object.create(memoryLog(), { snapshots: { value: undefined } }) as EventLog;
    const channels = new Channels({ log });
    const runs = new Runs(channels, { logger });
    const fold = { initial: 0, step: (state: number) => state + 1, toEvents: (state: number) => [state] };
    await expect(runs.start('a', () => [1], { fold })).rejects.toMatchObject({ code: 'SSE_INVALID_OPTIONS' });
    expect([await runs.status('a'), await runs.list(), runs.size()]).toEqual([undefined, [], 0]);
    const run = await runs.start('a', () => [1]);
    expect((await (await run.attach()).next()).value?.data).toBe(1);
    expect(errors).toEqual([]);
    await runs.close();
    await channels.close();
  });
});
