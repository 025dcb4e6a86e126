import { Observable } from 'rxjs';
import { SseError } from '../errors/sse.errors.js';
import { TestNodes, turns } from '../../test/fixtures/nodes.js';
import { RunViewer } from '../../test/fixtures/run-viewer.js';

const KIB = 'x'.repeat(1024);

async function* counting(asked: { count: number }, value: unknown) {
  for (;;) {
    asked.count++;
    yield value;
  }
}

describe('the writes of a run', () => {
  it.each([
    ['events', 0, 256],
    ['bytes', KIB, 64],
  ])('are at most one append ahead of the log, in %s', async (_, value, most) => {
    const nodes = new TestNodes();
    const { runs, wire } = nodes.add();
    const asked = { count: 0 };
    let release: () => void = () => undefined;
    const append = wire.append.bind(wire);
    wire.append = async (channel, records) => {
      if (channel.startsWith('run-events:')) await new Promise<void>((resolve) => (release = resolve));
      return append(channel, records);
    };
    await runs.start('r', () => counting(asked, value));
    await turns(100);
    const first = asked.count;
    await turns(100);
    // One batch under way, one that waits.
    expect([asked.count, first <= 2 * most + 1, first > most]).toEqual([first, true, true]);
    release();
    await turns(100);
    expect(asked.count - first).toBeLessThanOrEqual(2 * most);
    expect(asked.count).toBeGreaterThan(first);
    wire.append = append;
    release();
    await runs.stop('r');
  });

  it.each<[what: string, value: unknown]>([
    ['bytes', new Uint8Array([1, 2])],
    ['a Buffer', Buffer.from('a')],
    ['an event with bytes', { type: 'x', data: new Uint8Array([1]) }],
    ['a Blob', new Blob(['a'])],
  ])('do not contain %s, as on a route', async (_what, value) => {
    const nodes = new TestNodes();
    const node = nodes.add();
    await node.runs.start('r', () => [1, value]);
    const viewer = await RunViewer.collect(node, 'r');
    expect([viewer.seen, await viewer.end]).toEqual([[1], expect.objectContaining({ status: 500 })]);
    expect(node.logger.errors).toEqual([expect.stringContaining('cannot be bytes')]);
  });

  it('contain bytes if the serializer of the application writes them', async () => {
    const nodes = new TestNodes();
    const node = nodes.add({
      serialize: (value) => JSON.stringify(value instanceof Uint8Array ? [...value] : value),
    });
    await node.runs.start('r', () => [new Uint8Array([1, 2]), 'text', '5', { type: 't', data: '6' }]);
    expect((await RunViewer.collect(node, 'r')).seen).toEqual([[1, 2], 'text', '5', 't']);
  });

  it('are one append for everything that a source yields without a pause', async () => {
    const nodes = new TestNodes();
    const { runs, wire } = nodes.add();
    const sizes: number[] = [];
    const append = wire.append.bind(wire);
    wire.append = (channel, records) => {
      if (channel.startsWith('run-events:')) sizes.push(records.length);
      return append(channel, records);
    };
    await runs.start('r', async function* () {
      yield* [1, 2, 3];
      await turns(20);
      yield* [4, 5];
    });
    await turns(60);
    // And the end marker.
    expect(sizes).toEqual([3, 2, 1]);
  });

  it('can be pushed at once if the log accepts them at once', async () => {
    const nodes = new TestNodes({ maxBytes: 10_000_000 });
    const node = nodes.add({}, 'direct');
    const source = new Observable((subscriber) => {
      for (let i = 0; i < 4000; i++) subscriber.next(KIB);
      subscriber.complete();
    });
    await node.runs.start('r', () => source);
    expect((await RunViewer.collect(node, 'r')).seen).toHaveLength(4000);
  });

  it('cannot be pushed a mebibyte ahead of the log: then the run fails, and keeps what was written', async () => {
    const nodes = new TestNodes({ maxBytes: 10_000_000 });
    const node = nodes.add();
    let released = false;
    const source = new Observable((subscriber) => {
      for (let i = 0; i < 4000; i++) subscriber.next(KIB);
      return () => (released = true);
    });
    await node.runs.start('r', () => source);
    await turns(100);
    const viewer = await RunViewer.collect(node, 'r');
    expect(await viewer.end).toMatchObject({ status: 500 });
    expect(viewer.seen.length).toBeGreaterThan(1000);
    expect(viewer.seen.length).toBeLessThan(1200);
    expect([released, node.logger.errors]).toEqual([
      true,
      [expect.stringMatching(/^Run "r": SseError: The source of a run is \d+ bytes ahead of the log\./)],
    ]);
  });

  it.each([
    ['fewer events than the batch has', { maxEvents: 2 }],
    ['all of the batch', {}],
  ])('happen once if the answer to a batch is lost and the log keeps %s', async (_, retention) => {
    const nodes = new TestNodes(retention);
    const { runs, wire } = nodes.add();
    const appended: unknown[] = [];
    const append = wire.append.bind(wire);
    wire.append = async (channel, records) => {
      const positions = await append(channel, records);
      if (!channel.startsWith('run-events:') || records.length < 4) return positions;
      appended.push(records.length);
      throw new SseError('SSE_LOG_UNAVAILABLE', 'The answer was lost.');
    };
    await runs.start('r', async function* () {
      yield* ['a', 'b', 'c', 'd'];
      await turns(20);
    });
    await turns(60);
    await nodes.advance(2000);
    expect(appended).toEqual([4]);
  });
});
