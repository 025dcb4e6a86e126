import type { ChannelSubscription } from 'nestjs-event-stream';
import { TestNodes, turns } from '../../test/fixtures/nodes.js';
import { Hand } from '../../test/fixtures/run-viewer.js';

async function collect(subscription: ChannelSubscription | Response): Promise<unknown[]> {
  const seen: unknown[] = [];
  if (subscription instanceof Response) return [subscription.status];
  for await (const { type, data } of subscription) seen.push(type ?? data);
  return seen;
}

describe('attach() without a run that is running', () => {
  it('is an error for an unknown id by default, and replays a run that has ended', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add({}, 'direct'), nodes.add({}, 'direct')];
    await expect(a.runs.attach('r')).rejects.toMatchObject({ code: 'SSE_RUN_UNKNOWN' });
    await a.runs.start('r', () => ['1', '2']);
    await nodes.advance(500);
    expect(await collect(await b.runs.attach('r'))).toEqual(['1', '2']);
  });

  it('is a 204 with none: 204, for unknown and ended runs, but not for a client that has not read all', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add({}, 'direct'), nodes.add({}, 'direct')];
    expect(await collect(await a.runs.attach('r', { none: 204 }))).toEqual([204]);
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    const viewing = b.runs.attach('r', { none: 204 }).then(collect);
    hand.give('1', '2');
    await nodes.advance(500);
    hand.done();
    await nodes.advance(500);
    expect(await viewing).toEqual(['1', '2']);
    const ids: (string | undefined)[] = [];
    for await (const { id } of await a.runs.attach('r')) ids.push(id);
    for (const { runs } of [a, b]) {
      expect(await collect(await runs.attach('r', { none: 204 }))).toEqual([204]);
      expect(await collect(await runs.attach('r', { none: 204, after: ids[0] }))).toEqual(['2']);
      expect(await collect(await runs.attach('r', { none: 204, after: ids[1] }))).toEqual([204]);
    }
  });

  it.each<[what: string, after: unknown]>([
    ['a list', ['1', '2']],
    ['an object', { a: '1' }],
    ['a number', 5],
    ['null', null],
    ['a NUL character', 'a\0b'],
    ['half a character', '\ud800'],
    ['more than 4096 characters', 'a'.repeat(4097)],
  ])('refuses %s in place of an id, in every state of the run', async (_what, after) => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add({}, 'direct'), nodes.add({}, 'direct')];
    const refused = async (): Promise<void> => {
      for (const { runs } of [a, b]) {
        for (const none of [404, 204, 'wait'] as const) {
          const attached = runs.attach('r', { after: after as string, none: none as 404 });
          await expect(attached).rejects.toMatchObject({ code: 'SSE_INVALID_CURSOR' });
        }
      }
    };
    await refused();
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    await refused();
    hand.done();
    await nodes.advance(500);
    await refused();
    await a.runs.start('f', () => {
      throw new Error('failed');
    });
    await turns();
    await expect(b.runs.attach('f', { after: after as string })).rejects.toMatchObject({
      code: 'SSE_INVALID_CURSOR',
    });
  });

  it('waits for the next run with none: "wait", without reading the log again and again', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add(), nodes.add()];
    const unknown = b.runs.attach('r', { none: 'wait' }).then(collect);
    await nodes.advance(1000);
    const { reads } = b.wire;
    await nodes.advance(60_000);
    expect(b.wire.reads).toBe(reads);
    await a.runs.start('r', () => ['1', '2']);
    await nodes.advance(1000);
    expect(await unknown).toEqual(['1', '2']);
    const ended = [a, b].map(({ runs }) => runs.attach('r', { none: 'wait' }).then(collect));
    await nodes.advance(1000);
    await b.runs.start('r', () => ['3']);
    await nodes.advance(1000);
    expect(await Promise.all(ended)).toEqual([['3'], ['3']]);
  });

  it('finds the next run although the log has evicted all records about the one before', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add(), nodes.add()];
    await a.runs.start('r', () => ['1']);
    await nodes.advance(1000);
    const waiting = [a, b].map(({ runs }) => runs.attach('r', { none: 'wait' }).then(collect));
    // Longer than the log keeps any entry.
    await nodes.advance(3_700_000, 100_000);
    await nodes.add().runs.start('r', () => ['2']);
    await nodes.advance(1000);
    expect(await Promise.all(waiting)).toEqual([['2'], ['2']]);
  });

  it('stops waiting when the subscription ends or its signal aborts', async () => {
    const nodes = new TestNodes();
    const node = nodes.add({}, 'direct');
    const controller = new AbortController();
    const aborted = node.runs.attach('r', { none: 'wait', signal: controller.signal }).then(collect);
    const subscription = await node.runs.attach('r', { none: 'wait' });
    const next = subscription.next();
    await turns();
    controller.abort();
    await subscription.return();
    expect([await aborted, await next]).toEqual([[], { done: true, value: undefined }]);
    await node.runs.start('r', () => ['1']);
    await nodes.advance(500);
    expect(node.channels.list()).toEqual([]);
  });

  it('counts as a viewer of a run that stops without viewers', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add(), nodes.add()];
    const waiting = b.runs.attach('r', { none: 'wait' }).then(collect);
    await nodes.advance(500);
    const hand = new Hand();
    await a.runs.start('r', hand.source, { orphanMs: 20_000 });
    await nodes.advance(60_000);
    expect(await a.runs.status('r')).toBe('running');
    hand.done();
    await nodes.advance(1000);
    expect(await waiting).toEqual([]);
  });
});
