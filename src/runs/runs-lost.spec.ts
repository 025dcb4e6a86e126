import { event } from 'nestjs-event-stream';
import { ownRuns } from '../../test/fixtures/own-runs.js';
import { TestNodes, turns, type TestNode } from '../../test/fixtures/nodes.js';
import { Hand, RunViewer } from '../../test/fixtures/run-viewer.js';

const LEASE_MS = 15_000;
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as Error;
const lost = (id: string) => ({ code: 'SSE_RUN_LOST', message: `The run "${id}" was lost.` });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a run whose node dies', () => {
  let nodes: TestNodes;
  let a: TestNode;
  let b: TestNode;
  let hand: Hand;
  let viewer: RunViewer;

  beforeEach(async () => {
    nodes = new TestNodes();
    [a, b] = [nodes.add(), nodes.add()];
    hand = new Hand();
    await a.runs.start('r', hand.source);
    viewer = await RunViewer.attach(b, 'r');
    hand.give(1);
    await nodes.advance(LEASE_MS * 4);
    expect(viewer.over).toBe(false);
    a.wire.cut();
  });
  afterEach(async () => {
    const closing = [a, b].map(({ runs }) => runs.close(1000));
    await nodes.advance(2000);
    await Promise.all(closing);
  });

  it('is lost for its viewers on other nodes within a lease, with an error after which they may reconnect', async () => {
    await nodes.advance(LEASE_MS - 5500);
    expect(viewer.over).toBe(false);
    await nodes.advance(5500);
    expect([viewer.seen, await viewer.end]).toEqual([[1], expect.objectContaining(lost('r'))]);
    await turns();
    expect(b.logger.warnings).toEqual(['Run "r" was lost: its node was silent for 15000 ms.']);
    expect(await b.runs.status('r')).toBe('lost');
    await expect(b.runs.attach('r', { after: viewer.ids[0] })).rejects.toMatchObject(lost('r'));
    const late = await RunViewer.attach(b, 'r');
    expect([await late.end, late.seen]).toEqual([expect.objectContaining(lost('r')), [1]]);
  });

  it('keeps its ID until it is lost; then another node can start it anew', async () => {
    await expect(b.runs.start('r', () => [2])).rejects.toThrow(code('SSE_RUN_EXISTS'));
    await nodes.advance(LEASE_MS);
    await b.runs.start('r', () => [2]);
    const again = await RunViewer.attach(b, 'r', { after: viewer.ids[0] });
    expect([await again.end, again.seen]).toEqual(['ended', ['gap', 2]]);
  });

  it('ends on that node, too, if the node is alive: its later writes reach no viewer', async () => {
    await nodes.advance(LEASE_MS);
    await viewer.end;
    hand.give(2);
    await nodes.advance(2000);
    a.wire.mend();
    hand.give(3);
    await nodes.advance(2000);
    expect([hand.finished, hand.signal?.reason]).toEqual([true, code('SSE_RUN_LOST')]);
    expect(a.logger.warnings).toEqual([
      expect.stringMatching(/^Run "r" was lost: this process could not renew its lease/),
    ]);
    expect([ownRuns(a.runs), await a.runs.status('r')]).toEqual([[], 'lost']);
    for (const node of [a, b]) {
      const late = await RunViewer.attach(node, 'r');
      expect(await late.end).toMatchObject(lost('r'));
      expect(late.seen).toEqual([1]);
    }
  });

  it('counts as stopped for a caller that waits for the stop, once it is lost', async () => {
    const stopped = b.runs.stop('r');
    await nodes.advance(LEASE_MS);
    expect(await stopped).toBe(true);
  });

  it.each(['status', 'start'] as const)(
    'is lost a lease after the last check (%s), although it has no viewers',
    async (how) => {
      await b.runs.close();
      const c = nodes.add();
      if (how === 'status') expect(await c.runs.status('r')).toBe('running');
      else await expect(c.runs.start('r', () => [])).rejects.toThrow(code('SSE_RUN_EXISTS'));
      await nodes.advance(LEASE_MS);
      expect(await c.runs.status('r')).toBe('lost');
      await c.runs.close();
    },
  );

  it('is lost also for a viewer that subscribes after the last one has left, and reads later', async () => {
    await b.runs.close();
    const c = nodes.add();
    a.wire.mend();
    await nodes.advance(1000);
    const first = await c.runs.attach('r');
    await first.next();
    await nodes.advance(5250);
    await first.return();
    await nodes.advance(5000);
    const second = await c.runs.attach('r');
    await nodes.advance(5000);
    expect(await second.next()).toMatchObject({ value: { data: 1 } });
    a.wire.cut();
    const end = second.next().catch((error: unknown) => error);
    await nodes.advance(LEASE_MS);
    expect(await end).toMatchObject(lost('r'));
    await c.runs.close();
  });

  it('is declared lost once, by any node', async () => {
    const others = [nodes.add(), nodes.add()];
    const viewers = [viewer];
    for (const node of others) viewers.push(await RunViewer.attach(node, 'r'));
    await nodes.advance(LEASE_MS);
    for (const { end, seen } of viewers) {
      expect(await end).toMatchObject(lost('r'));
      expect(seen).toEqual([1]);
    }
    for (const { runs } of others) await runs.close();
  });
});

describe('a run while the log is unavailable', () => {
  it('continues, is written once, and does not count as lost, however long the outage is', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add(), nodes.add()];
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    const viewer = await RunViewer.attach(b, 'r');
    const given: number[] = [];
    const give = () => {
      const next = range(given.length, given.length + 7);
      given.push(...next);
      hand.give(...next);
    };
    for (let round = 0; round < 20; round++) {
      give();
      // In the middle of an append, before it takes effect or after: one turn makes the difference.
      await turns(round % 5);
      for (const { wire } of [a, b]) wire.cut();
      give();
      await nodes.advance(round === 7 ? LEASE_MS * 3 : 700);
      for (const { wire } of [a, b]) wire.mend();
      await nodes.advance(1500);
    }
    hand.done();
    await nodes.advance(1500);
    expect([await viewer.end, viewer.seen]).toEqual(['ended', given]);
    expect([a.logger, b.logger].flatMap(({ warnings, errors }) => [...warnings, ...errors])).toEqual([]);
  });

  it('is watched by a node that was cut off as if only the node itself had been silent', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add(), nodes.add()];
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    const viewer = await RunViewer.attach(b, 'r');
    b.wire.cut();
    await nodes.advance(LEASE_MS * 2);
    hand.give(1);
    b.wire.mend();
    await nodes.advance(LEASE_MS * 2);
    expect([viewer.over, viewer.seen]).toEqual([false, [1]]);
    hand.done();
    await turns();
    expect(await viewer.end).toBe('ended');
  });

  it('ends when the log is available again, and cannot be started or attached to meanwhile', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add(), nodes.add()];
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    const viewer = await RunViewer.attach(b, 'r');
    await turns();
    a.wire.cut();
    hand.give(1);
    hand.done();
    await nodes.advance(5000);
    expect([await a.runs.status('r'), await b.runs.status('r')]).toEqual(['running', 'running']);
    for (const act of [() => a.runs.start('s', () => []), () => a.runs.attach('s'), () => a.runs.status('s')])
      await expect(act()).rejects.toThrow(code('SSE_LOG_UNAVAILABLE'));
    a.wire.mend();
    await nodes.advance(1000);
    expect([await viewer.end, viewer.seen]).toEqual(['ended', [1]]);
    expect(await b.runs.status('r')).toBe('completed');
  });

  it('is abandoned at shutdown, within the time of the shutdown', async () => {
    const nodes = new TestNodes();
    const a = nodes.add();
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    a.wire.cut();
    hand.give(1);
    const closing = a.runs.close(1000);
    await nodes.advance(1000);
    await closing;
    await turns();
    expect([hand.finished, ownRuns(a.runs), a.logger.errors]).toEqual([true, [], []]);
    // The log's sweep of old entries.
    expect(nodes.clock.size).toBeLessThanOrEqual(1);
  });
});

describe('a run in a log that keeps little', () => {
  it('shows the kept events, reports that the beginning is missing, and ends', async () => {
    const nodes = new TestNodes({ maxEvents: 3 });
    const [a, b] = [nodes.add({}, 'direct'), nodes.add()];
    await a.runs.start('r', () => range(0, 10));
    await turns();
    for (const node of [a, b]) {
      const viewer = await RunViewer.attach(node, 'r');
      expect([await viewer.end, viewer.seen]).toEqual(['ended', ['gap', 8, 9]]);
    }
  });

  it('is known while it runs, also after all its entries have expired', async () => {
    const nodes = new TestNodes({ maxAgeMs: 20_000 });
    const [a, b] = [nodes.add(), nodes.add()];
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    hand.give('old');
    await nodes.advance(120_000);
    hand.give('new');
    await turns();
    const viewer = await RunViewer.attach(b, 'r');
    hand.done();
    expect([await viewer.end, viewer.seen]).toEqual(['ended', ['gap', 'new']]);
    expect(await b.runs.status('r')).toBe('completed');
    await nodes.advance(60_000);
    expect(await b.runs.status('r')).toBeUndefined();
    await expect(b.runs.attach('r')).rejects.toThrow(code('SSE_RUN_UNKNOWN'));
  });

  it('ends for a viewer that reaches its end after that was evicted', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add(), nodes.add()];
    await a.runs.start('r', () => range(0, 500));
    await turns();
    const slow = await b.runs.attach('r');
    expect(await slow.next()).toMatchObject({ value: { data: 0 } });
    // Another channel has taken all the room before the viewer reads again.
    const name = b.channels.list()[0]?.name ?? '';
    const filler = b.channels.channel(name);
    for (let i = 0; i < 6; i++)
      await filler.publish(range(0, 1000).map(() => event({ type: 'noise', data: '' })));
    const seen: unknown[] = [];
    const end = (async () => {
      for await (const { type, data } of slow) seen.push(type ?? data);
      return 'ended';
    })();
    await nodes.advance(LEASE_MS);
    expect(await end).toBe('ended');
    expect(seen[0]).toBe(1);
    expect(seen).toContain('gap');
  });

  it('ends for a viewer that reads on when only the record of the end is left', async () => {
    const nodes = new TestNodes({ maxTotalBytes: 8000 });
    const a = nodes.add({}, 'direct');
    await a.runs.start('r', () => range(0, 10));
    await turns();
    // The log evicts the oldest channel first, so its control channel is kept younger than its events.
    const filler = a.channels.channel('filler');
    const control = a.channels.channel('run:r');
    while (
      (await RunViewer.attach(a, 'r').then(async (viewer) => (await viewer.end, viewer.seen)))[0] !== 'gap'
    ) {
      await filler.publish('x'.repeat(100));
      await control.publish('not a record');
    }
    expect(await a.runs.status('r')).toBe('completed');
  });
});
