import { TestNodes, turns, type TestNode } from '../../test/fixtures/nodes.js';
import { Hand, RunViewer } from '../../test/fixtures/run-viewer.js';
import { SseError } from '../errors/sse.errors.js';

const LEASE_MS = 15_000;
const ORPHAN_MS = 4000;
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as Error;

/** Outages of the log for these nodes. */
const AWAY: Record<string, { from(nodes: TestNode[]): void; to(nodes: TestNode[]): void }> = {
  'is unreachable': {
    from: (nodes) => nodes.forEach(({ wire }) => wire.cut()),
    to: (nodes) => nodes.forEach(({ wire }) => wire.mend()),
  },
  'stands still': {
    from: (nodes) => nodes.forEach(({ process }) => process.holdLog()),
    to: (nodes) => nodes.forEach(({ process }) => process.releaseLog()),
  },
};

describe.each(Object.entries(AWAY))('while the log %s', (_, away) => {
  let nodes: TestNodes;
  let a: TestNode;
  let b: TestNode;
  let hand: Hand;

  beforeEach(async () => {
    nodes = new TestNodes();
    [a, b] = [nodes.add({ orphanMs: ORPHAN_MS }), nodes.add()];
    hand = new Hand();
    await a.runs.start('r', hand.source);
  });
  afterEach(async () => {
    const closing = [a, b].map(({ runs }) => runs.close(1000));
    await nodes.advance(2000);
    await Promise.all(closing);
    await turns();
    expect(nodes.clock.size).toBeLessThanOrEqual(1);
  });

  it.each([4000, 14_000, 20_000, 60_000])(
    'for %i ms, a run viewed elsewhere is not an orphan',
    async (ms) => {
      const viewer = await RunViewer.attach(b, 'r');
      for (const waitMs of [LEASE_MS, 1500, 3250]) {
        await nodes.advance(waitMs);
        away.from([a, b]);
        await nodes.advance(ms);
        away.to([a, b]);
        await nodes.advance(LEASE_MS);
        expect([viewer.over, hand.signal?.aborted]).toEqual([false, false]);
      }
      hand.give(1);
      await turns();
      expect(viewer.seen).toEqual([1]);
    },
  );

  it('whichever node reaches it first, no viewer counts as gone', async () => {
    const viewer = await RunViewer.attach(b, 'r');
    for (const order of [
      [a, b],
      [b, a],
    ]) {
      await nodes.advance(LEASE_MS);
      away.from([a, b]);
      await nodes.advance(2 * LEASE_MS);
      for (const node of order) {
        away.to([node]);
        await nodes.advance(2000);
      }
      await nodes.advance(LEASE_MS);
      expect([viewer.over, hand.signal?.aborted]).toEqual([false, false]);
    }
  });

  it('for the owner alone and less than a lease, a run viewed elsewhere is not an orphan', async () => {
    const viewer = await RunViewer.attach(b, 'r');
    await nodes.advance(LEASE_MS);
    away.from([a]);
    await nodes.advance(9000);
    away.to([a]);
    await nodes.advance(LEASE_MS);
    expect([viewer.over, hand.signal?.aborted]).toEqual([false, false]);
  });

  it.each([1000, 5000, 9000, 12_000, 14_500])(
    'the owner reaches it %i ms after a viewer without losing the run, if that is less than a lease',
    async (laterMs) => {
      const viewer = await RunViewer.attach(b, 'r');
      for (const awayMs of [LEASE_MS + 1000, 3 * LEASE_MS]) {
        await nodes.advance(LEASE_MS);
        away.from([a, b]);
        await nodes.advance(awayMs);
        away.to([b]);
        await nodes.advance(laterMs);
        away.to([a]);
        await nodes.advance(2 * LEASE_MS);
        expect([viewer.over, hand.signal?.aborted]).toEqual([false, false]);
      }
    },
  );

  it('a run without viewers becomes no orphan during the outage, and becomes one after it', async () => {
    away.from([a, b]);
    await nodes.advance(3 * LEASE_MS);
    expect(hand.signal?.aborted).toBe(false);
    away.to([a, b]);
    await nodes.advance(LEASE_MS);
    expect([hand.signal?.reason, await b.runs.status('r')]).toEqual([code('SSE_RUN_STOPPED'), 'stopped']);
  });
});

describe('viewers of a run with orphanMs', () => {
  it('have left when their node has died', async () => {
    const nodes = new TestNodes();
    const [a, b, c] = [nodes.add({ orphanMs: ORPHAN_MS }), nodes.add(), nodes.add()];
    await a.runs.start('r', () => new Promise(() => undefined));
    const viewer = await RunViewer.attach(b, 'r');
    const other = await RunViewer.attach(c, 'r');
    await nodes.advance(LEASE_MS);
    b.wire.cut();
    await nodes.advance(3 * LEASE_MS);
    expect(await a.runs.status('r')).toBe('running');
    c.wire.cut();
    await nodes.advance(LEASE_MS);
    expect(await a.runs.status('r')).toBe('running');
    await nodes.advance(ORPHAN_MS + 1000);
    expect([await a.runs.status('r'), viewer.over, other.over]).toEqual(['stopped', false, false]);
    for (const { wire } of [b, c]) wire.mend();
    await turns();
    expect([await viewer.end, await other.end]).toEqual(['ended', 'ended']);
    await Promise.all([b, c].map(({ runs }) => runs.close()));
  });

  it('stay on a node that reads so slowly that it cannot judge the owner', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add({ orphanMs: ORPHAN_MS }), nodes.add()];
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    const viewer = await RunViewer.attach(b, 'r');
    const { read } = b.wire;
    // Longer than a third of a lease.
    b.wire.read = async (...args) => {
      await new Promise<void>((resolve) => void nodes.clock.schedule(resolve, LEASE_MS / 3 + 200));
      return read.apply(b.wire, args);
    };
    await nodes.advance(5 * LEASE_MS);
    expect(await a.runs.status('r')).toBe('running');
    Object.assign(b.wire, { read });
    hand.give('1');
    hand.done();
    await nodes.advance(LEASE_MS);
    expect([await viewer.end, viewer.seen]).toEqual(['ended', ['1']]);
    await Promise.all([a, b].map(({ runs }) => runs.close()));
  });

  it('cannot attach without notifying the owner', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add({ orphanMs: ORPHAN_MS }), nodes.add()];
    await a.runs.start('r', () => new Promise(() => undefined));
    b.wire.append = () => (b.wire.cut(), b.wire.tail('run:r') as never);
    await expect(b.runs.attach('r')).rejects.toThrow(code('SSE_LOG_UNAVAILABLE'));
    expect(b.channels.list()).toEqual([]);
    await nodes.advance(LEASE_MS);
    expect(await a.runs.status('r')).toBe('stopped');
    await b.runs.close();
  });
});

describe('a node that receives no events', () => {
  let nodes: TestNodes;
  let a: TestNode;
  let b: TestNode;
  let viewer: RunViewer;

  beforeEach(async () => {
    nodes = new TestNodes();
    [a, b] = [nodes.add(), nodes.add()];
    await a.runs.start('r', () => new Promise(() => undefined));
    viewer = await RunViewer.attach(b, 'r');
    await nodes.advance(LEASE_MS);
  });
  afterEach(async () => {
    await a.runs.stop('r');
    await Promise.all([a, b].map(({ runs }) => runs.close()));
  });

  it('does not count silence while its log reports that it is down, even if the log still answers', async () => {
    const { read, health } = b.wire;
    // Like a log that answers from a cache.
    b.wire.read = (channel, after, limit) =>
      channel.startsWith('run:') && after !== undefined
        ? Promise.resolve({ entries: [], from: after, gap: false, more: false })
        : read.call(b.wire, channel, after, limit);
    b.wire.health = () => ({ status: 'down' });
    await nodes.advance(4 * LEASE_MS);
    Object.assign(b.wire, { read, health });
    await nodes.advance(LEASE_MS);
    expect([viewer.over, await a.runs.status('r'), await b.runs.status('r')]).toEqual([
      false,
      'running',
      'running',
    ]);
  });

  it.each([
    ['cannot be read', new SseError('SSE_LOG_UNAVAILABLE', 'Away.'), 0],
    ['fails', new TypeError('broken'), 1],
  ])('does not count a run as an orphan if its log %s', async (_, error, logged) => {
    await a.runs.start('s', () => new Promise(() => undefined), { orphanMs: ORPHAN_MS });
    const other = await RunViewer.attach(b, 's');
    await turns();
    const { read } = a.wire;
    const { append } = b.wire;
    a.wire.read = () => Promise.reject(error);
    b.wire.append = () => Promise.reject(error);
    await nodes.advance(2 * LEASE_MS);
    Object.assign(a.wire, { read });
    Object.assign(b.wire, { append });
    await nodes.advance(LEASE_MS);
    expect([other.over, await a.runs.status('s')]).toEqual([false, 'running']);
    expect(a.logger.errors.length > 0).toBe(logged > 0);
    await a.runs.stop('s');
  });

  it('does not blame the owner for the silence if the log has not answered either of them', async () => {
    for (const { process } of [a, b]) process.holdLog();
    await nodes.advance(2 * LEASE_MS);
    // The viewer first: it has not heard from the owner when its answer arrives.
    b.process.releaseLog();
    await nodes.advance(4000);
    a.process.releaseLog();
    await nodes.advance(LEASE_MS);
    expect([viewer.over, await b.runs.status('r')]).toEqual([false, 'running']);
  });
});
