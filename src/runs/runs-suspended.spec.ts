import { ownRuns } from '../../test/fixtures/own-runs.js';
import { TestNodes, turns, type TestNode } from '../../test/fixtures/nodes.js';
import { Hand, RunViewer } from '../../test/fixtures/run-viewer.js';
import type { LogSlice } from '../log/event-log.js';
import { toRecord } from '../log/log-record.js';

const LEASE_MS = 15_000;
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as Error;

describe('a run whose owner is suspended for longer than its lease', () => {
  let nodes: TestNodes;
  let a: TestNode;
  let b: TestNode;
  let hand: Hand;

  beforeEach(async () => {
    nodes = new TestNodes();
    [a, b] = [nodes.add(), nodes.add()];
    hand = new Hand();
    await a.runs.start('r', hand.source);
    hand.give('old');
    await nodes.advance(LEASE_MS);
    a.process.suspend();
    expect(await b.runs.status('r')).toBe('running');
    await nodes.advance(2 * LEASE_MS);
  });
  afterEach(async () => {
    a.process.resume();
    const closing = [a, b].map(({ runs }) => runs.close(1000));
    // Other nodes are not closed: they announce in this time that they have no run any more.
    await nodes.advance(LEASE_MS);
    await Promise.all(closing);
    await turns();
    expect(nodes.clock.size).toBeLessThanOrEqual(1);
  });

  it('does not take back an id that was started anew and has completed', async () => {
    await b.runs.start('r', () => ['new']);
    await turns();
    expect(await b.runs.status('r')).toBe('completed');
    a.process.resume();
    await nodes.advance(2 * LEASE_MS);
    const c = nodes.add();
    for (const node of [a, b, c]) {
      expect(await node.runs.status('r')).toBe('completed');
      const viewer = await RunViewer.collect(node, 'r');
      expect([viewer.seen, await viewer.end]).toEqual([['new'], 'ended']);
    }
    expect([hand.finished, hand.signal?.reason, ownRuns(a.runs)]).toEqual([true, code('SSE_RUN_LOST'), []]);
    await c.runs.close();
  });

  it('is not the owner anymore if it was started anew and is still running', async () => {
    const other = new Hand();
    await b.runs.start('r', other.source);
    other.give('new');
    a.process.resume();
    hand.give('late');
    await nodes.advance(2 * LEASE_MS);
    expect([hand.finished, ownRuns(a.runs), ownRuns(b.runs)]).toEqual([true, [], ['r']]);
    const viewer = await RunViewer.attach(a, 'r');
    expect(await a.runs.stop('r')).toBe(true);
    expect([await viewer.end, viewer.seen, other.finished]).toEqual(['ended', ['new', 'stopped'], true]);
  });

  it('does not take the ID back if the log has evicted all later records', async () => {
    await nodes.add().runs.start('r', () => ['new']);
    await turns();
    // Longer than the log keeps any entry.
    await nodes.advance(3_700_000, 100_000);
    expect(await b.runs.status('r')).toBeUndefined();
    a.process.resume();
    await nodes.advance(2 * LEASE_MS);
    for (const node of [a, b, nodes.add()]) expect(await node.runs.status('r')).toBeUndefined();
    expect([hand.finished, hand.signal?.reason]).toEqual([true, code('SSE_RUN_LOST')]);
  });

  it('is not believed by any node, even if a sign of life was under way all the time', async () => {
    await nodes.add().runs.start('r', () => ['new']);
    await turns();
    const { entries } = (await nodes.log.read('run:r', undefined, {
      events: 100,
      bytes: Infinity,
    })) as LogSlice;
    const renewal = entries
      .map((entry) => entry.asText())
      .findLast(({ data }) => /"alive"/.test(data as string));
    const arrive = async () => void (await nodes.log.append('run:r', [toRecord(renewal, undefined)]));
    await arrive();
    await turns();
    for (const node of [b, nodes.add()]) expect(await node.runs.status('r')).toBe('completed');
    await nodes.advance(3_700_000, 100_000);
    await arrive();
    await turns();
    for (const node of [b, nodes.add()]) expect(await node.runs.status('r')).toBeUndefined();
    await nodes.add().runs.start('r', () => new Promise(() => undefined));
    await arrive();
    for (const node of [b, nodes.add()]) expect(await node.runs.stop('r')).toBe(node === b);
  });

  it('does not decide how it has ended: the status and the viewers agree', async () => {
    const viewer = await RunViewer.attach(b, 'r');
    expect(await viewer.end).toMatchObject({ code: 'SSE_RUN_LOST' });
    hand.done();
    a.process.resume();
    await turns();
    for (const node of [a, b]) {
      expect(await node.runs.status('r')).toBe('lost');
      expect(await (await RunViewer.attach(node, 'r')).end).toMatchObject({ code: 'SSE_RUN_LOST' });
    }
  });
});

describe('an owner that was cut off until the log had evicted its records', () => {
  it('gives way to the node that has started the ID meanwhile', async () => {
    const nodes = new TestNodes({ maxAgeMs: 20_000 });
    const [a, b] = [nodes.add(), nodes.add()];
    const [first, second] = [new Hand(), new Hand()];
    await a.runs.start('r', first.source);
    a.wire.cut();
    await nodes.advance(20_000);
    await b.runs.start('r', second.source);
    a.wire.mend();
    await nodes.advance(2 * LEASE_MS);
    expect([ownRuns(a.runs), first.signal?.reason, ownRuns(b.runs)]).toEqual([
      [],
      code('SSE_RUN_LOST'),
      ['r'],
    ]);
    for (const node of [a, b, nodes.add()]) expect(await node.runs.status('r')).toBe('running');
    expect(await a.runs.stop('r')).toBe(true);
    expect(second.finished).toBe(true);
  });
});

describe('a process that is suspended', () => {
  it('while it claims an ID does not get it if another node had it meanwhile', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add(), nodes.add()];
    const append = a.wire.append.bind(a.wire);
    let claimed = false;
    a.wire.append = (channel, records) => {
      const answer = append(channel, records);
      if (!claimed && records[0]?.frame.includes('"is":"claim"')) {
        a.process.suspend();
        claimed = true;
      }
      return answer;
    };
    const hand = new Hand();
    const started = a.runs.start('r', hand.source).catch((error: unknown) => error);
    await turns();
    expect(await b.runs.status('r')).toBe('running');
    await nodes.advance(2 * LEASE_MS);
    const other = new Hand();
    await b.runs.start('r', other.source);
    a.process.resume();
    expect(await started).toEqual(code('SSE_RUN_EXISTS'));
    expect([hand.signal, ownRuns(a.runs), ownRuns(b.runs)]).toEqual([undefined, [], ['r']]);
    await b.runs.stop('r');
  });

  it('while it reads the answer to its claim does not get the ID if its claim was evicted and another node has it', async () => {
    const nodes = new TestNodes({ maxAgeMs: 20_000 });
    const [a, b] = [nodes.add(), nodes.add()];
    const read = a.wire.read.bind(a.wire);
    let suspended = false;
    a.wire.read = async (channel, after, limit) => {
      const slice = await read(channel, after, limit);
      if (!suspended && channel === 'run:r' && slice.entries.length > 0) {
        suspended = true;
        a.process.suspend();
      }
      return slice;
    };
    const hand = new Hand();
    const started = a.runs.start('r', hand.source).catch((error: unknown) => error);
    await turns();
    expect(suspended).toBe(true);
    await nodes.advance(25_000);
    const other = new Hand();
    await b.runs.start('r', other.source);
    a.process.resume();
    expect(await started).toEqual(code('SSE_RUN_EXISTS'));
    // The source of the late node was never called.
    expect([hand.signal, ownRuns(a.runs), ownRuns(b.runs)]).toEqual([undefined, [], ['r']]);
    await b.runs.stop('r');
  });

  const shares = [0.5, 0.7, 0.9, 0.99, 1.1, 1.3, 1.5];
  it.each(shares)('with the owner, for %d of a lease, does not consider it dead', async (share) => {
    for (const order of ['owner first', 'viewer first'] as const) {
      for (const offsetMs of [0, 2500, 4750]) {
        const nodes = new TestNodes();
        const [a, b] = [nodes.add(), nodes.add()];
        const hand = new Hand();
        await a.runs.start('r', hand.source);
        const viewer = await RunViewer.attach(b, 'r');
        await nodes.advance(LEASE_MS + offsetMs);
        for (const { process } of [a, b]) process.suspend();
        nodes.clock.advance(share * LEASE_MS);
        const [first, second] = order === 'owner first' ? [a, b] : [b, a];
        first.process.resume();
        await turns(3);
        second.process.resume();
        await nodes.advance(LEASE_MS);
        const { over } = viewer;
        expect([order, offsetMs, over, await b.runs.status('r')]).toEqual([
          order,
          offsetMs,
          false,
          'running',
        ]);
        hand.done();
        await turns();
      }
    }
  });

  it('after it has found the owner silent looks again', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add(), nodes.add()];
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    const viewer = await RunViewer.attach(b, 'r');
    const tail = b.wire.tail.bind(b.wire);
    let judged = false;
    b.wire.tail = (channel) => {
      const answer = tail(channel);
      if (!judged && channel.startsWith('run-events:')) {
        judged = true;
        b.process.suspend();
      }
      return answer;
    };
    a.wire.cut();
    for (let i = 0; i < 80 && !judged; i++) await nodes.advance(250);
    a.wire.mend();
    await nodes.advance(3 * LEASE_MS);
    b.process.resume();
    await nodes.advance(LEASE_MS);
    expect([judged, viewer.over, hand.signal?.aborted]).toEqual([true, false, false]);
    for (const node of [a, b]) expect(await node.runs.status('r')).toBe('running');
    hand.done();
    await turns();
  });

  it('does not consider the owner dead if it is resumed with all others', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add({ orphanMs: 8000 }), nodes.add()];
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    const viewer = await RunViewer.attach(b, 'r');
    await nodes.advance(LEASE_MS);
    for (const [first, second] of [[b, a] as const, [a, b] as const]) {
      for (const { process } of [a, b]) process.suspend();
      nodes.clock.advance(10 * LEASE_MS);
      first.process.resume();
      await turns();
      second.process.resume();
      await nodes.advance(LEASE_MS);
      expect([viewer.over, await a.runs.status('r'), await b.runs.status('r')]).toEqual([
        false,
        'running',
        'running',
      ]);
    }
    hand.done();
    await turns();
    expect(await viewer.end).toBe('ended');
  });

  it('does not count viewers elsewhere as gone if they have sent a sign of life meanwhile', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add({ orphanMs: 4000 }), nodes.add()];
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    await nodes.advance(1000);
    const viewer = await RunViewer.attach(b, 'r');
    await nodes.advance(LEASE_MS / 3 - 500);
    a.process.suspend();
    await nodes.advance(LEASE_MS - 1000);
    a.process.resume();
    await nodes.advance(LEASE_MS);
    expect([viewer.over, hand.signal?.aborted]).toEqual([false, false]);
    await a.runs.stop('r');
  });
});
