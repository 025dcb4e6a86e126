import { HttpException } from '@nestjs/common';
import { Observable } from 'rxjs';
import { event } from 'nestjs-event-stream';
import { ownRuns } from '../../test/fixtures/own-runs.js';
import { TestNodes, turns } from '../../test/fixtures/nodes.js';
import { RunViewer } from '../../test/fixtures/run-viewer.js';

const LARGE = 'x'.repeat(2000);
const id = (n: number) => event({ id: `${n}`, data: n });

describe.each(['direct', 'wire'] as const)('a run (%s) whose log rejects an event', (how) => {
  const add = (nodes: TestNodes) => [nodes.add({}, how), nodes.add({}, 'wire')] as const;

  it.each([
    ['too large', () => [1, 2, LARGE], 'SSE_EVENT_TOO_LARGE', [1, 2]],
    ['out of order', () => [id(1), id(3), id(2)], 'SSE_ID_ORDER', [1, 3]],
    ['too large and alone', () => [LARGE], 'SSE_EVENT_TOO_LARGE', []],
  ])('fails if its last event is %s, and viewers get the events before', async (_, source, code, seen) => {
    const nodes = new TestNodes({ maxEventBytes: 1000 });
    const [a, b] = add(nodes);
    await a.runs.start('r', source);
    await turns();
    for (const node of [a, b]) {
      expect(await node.runs.status('r')).toBe('failed');
      if (seen.length === 0) await expect(node.runs.attach('r')).rejects.toMatchObject({ status: 500 });
      else {
        const viewer = await RunViewer.collect(node, 'r');
        expect([viewer.seen, await viewer.end]).toEqual([seen, expect.objectContaining({ status: 500 })]);
      }
    }
    expect(a.logger.errors).toEqual([expect.stringContaining(code)]);
    expect(ownRuns(a.runs)).toEqual([]);
  });

  it('fails also if the event comes in a later turn, or is pushed', async () => {
    const nodes = new TestNodes({ maxEventBytes: 1000 });
    const [a, b] = add(nodes);
    await a.runs.start('late', async function* () {
      yield 1;
      await turns(5);
      yield LARGE;
    });
    const viewers = [await RunViewer.attach(a, 'late'), await RunViewer.attach(b, 'late')];
    const pushed = new Observable((subscriber) => {
      setImmediate(() => {
        subscriber.next(1);
        subscriber.next(LARGE);
        subscriber.complete();
      });
    });
    await a.runs.start('pushed', () => pushed);
    viewers.push(await RunViewer.attach(a, 'pushed'), await RunViewer.attach(b, 'pushed'));
    for (const { end, seen } of viewers) {
      expect([await end, seen]).toEqual([expect.objectContaining({ status: 500 }), [1]]);
    }
    await turns();
    expect([await b.runs.status('late'), await b.runs.status('pushed')]).toEqual(['failed', 'failed']);
    expect(a.logger.errors).toHaveLength(2);
  });

  it('sends its last words when it is stopped, also if the last event of its source was rejected', async () => {
    const nodes = new TestNodes({ maxEventBytes: 1000 });
    const [a, b] = add(nodes);
    await a.runs.start('r', (signal) => {
      return new Observable((subscriber) => {
        subscriber.next(1);
        signal.addEventListener('abort', () => subscriber.next(LARGE));
      });
    });
    const viewer = await RunViewer.attach(b, 'r');
    await turns();
    await b.runs.stop('r');
    expect([await viewer.end, viewer.seen]).toEqual(['ended', [1, 'stopped']]);
    expect(a.logger.errors).toEqual([expect.stringContaining('SSE_EVENT_TOO_LARGE')]);
  });

  it.each([
    ['the log takes it', 1_000_000],
    ['the log refuses it', 1000],
  ])('writes the end of a run that failed with a very large error, whether %s', async (_, maxEventBytes) => {
    const nodes = new TestNodes({ maxEventBytes });
    const [a, b] = add(nodes);
    await a.runs.start('r', async function* () {
      yield 1;
      await turns(3);
      throw new HttpException({ message: 'x'.repeat(5000), more: 'x'.repeat(50_000) }, 409);
    });
    // Not reduced to its status if it fits.
    await a.runs.start('s', () => {
      throw new HttpException({ message: 'x'.repeat(100) }, 409);
    });
    const viewer = await RunViewer.attach(b, 'r');
    expect([await viewer.end, viewer.seen]).toEqual([
      expect.objectContaining({ status: 409, response: 'Conflict' }),
      [1],
    ]);
    await turns();
    for (const node of [a, b]) {
      expect(await node.runs.status('r')).toBe('failed');
      await expect(node.runs.attach('s')).rejects.toMatchObject({
        status: 409,
        response: { message: 'x'.repeat(100) },
      });
    }
    expect([a.logger.errors, ownRuns(a.runs)]).toEqual([[], []]);
  });

  it('shortens an error that only the log finds too large', async () => {
    const nodes = new TestNodes({ maxEventBytes: 1000 });
    const [a, b] = add(nodes);
    await a.runs.start('r', () => {
      throw new HttpException({ message: 'x'.repeat(2000) }, 409);
    });
    await turns();
    await expect(b.runs.attach('r')).rejects.toMatchObject({ status: 409, response: 'Conflict' });
    expect([await b.runs.status('r'), a.logger.errors]).toEqual(['failed', []]);
  });
});
