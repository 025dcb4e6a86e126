import { Readable } from 'node:stream';
import { of } from 'rxjs';
import { comment, event, isSseError, type SseError } from 'nestjs-event-stream';
import { ownRuns } from '../../test/fixtures/own-runs.js';
import { eachReach } from '../../test/fixtures/each-reach.js';
import { turns } from '../../test/fixtures/nodes.js';
import { Hand, RunViewer } from '../../test/fixtures/run-viewer.js';

async function* numbers(count: number) {
  for (let n = 0; n < count; n++) yield n;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as Error;
const { collect } = RunViewer;

eachReach('runs', (add) => {
  it('are the same for all viewers, whenever they attach and on any node', async () => {
    const [a, b] = [add(), add()];
    const hand = new Hand();
    const run = await a.runs.start('r', hand.source);
    expect([run.id, run.started]).toEqual(['r', true]);
    const early = [await RunViewer.attach(a, 'r'), await RunViewer.attach(b, 'r')];
    hand.give('one');
    hand.give({ n: 2 });
    await turns();
    const late = [await RunViewer.attach(a, 'r'), await RunViewer.attach(b, 'r')];
    hand.give('three');
    await turns();
    hand.done();
    for (const { end } of [...early, ...late]) expect(await end).toBe('ended');
    const after = [await RunViewer.attach(a, 'r'), await RunViewer.attach(b, 'r')];
    for (const { end } of after) expect(await end).toBe('ended');
    for (const { seen, ids } of [...early, ...late, ...after]) {
      expect(seen).toEqual(['one', { n: 2 }, 'three']);
      expect(ids).toEqual(early[0]?.ids);
    }
    expect([await a.runs.status('r'), await b.runs.status('r')]).toEqual(['completed', 'completed']);
    expect(ownRuns(a.runs)).toEqual([]);
  });

  it('continue without viewers, and a viewer that resumes receives each event once', async () => {
    const [a, b] = [add(), add()];
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    const leaving = new AbortController();
    const first = await RunViewer.attach(a, 'r', { signal: leaving.signal });
    hand.give(0);
    hand.give(1);
    await turns();
    leaving.abort();
    expect(await first.end).toBe('ended');
    expect(first.seen).toEqual([0, 1]);
    hand.give(2);
    hand.give(3);
    await turns();
    const back = await RunViewer.attach(b, 'r', { after: first.ids[1] });
    hand.give(4);
    hand.done();
    expect(await back.end).toBe('ended');
    expect(back.seen).toEqual([2, 3, 4]);
    const again = await RunViewer.attach(a, 'r', { after: back.ids[2] });
    expect(await again.end).toBe('ended');
    expect(again.seen).toEqual([]);
  });

  it('lose no event when a source of any kind yields a thousand at once', async () => {
    const a = add();
    const sources = [
      () => numbers(1000),
      () => range(0, 1000),
      () => of(...range(0, 1000)),
      () => Promise.resolve(new Set(range(0, 1000))),
      () => Readable.from(range(0, 1000)),
    ];
    for (const [i, source] of sources.entries()) {
      await a.runs.start(`r${i}`, source);
      const { seen, end } = await RunViewer.attach(a, `r${i}`);
      expect(await end).toBe('ended');
      expect(seen).toEqual(range(0, 1000));
    }
  });

  it('write values as in a handler: events, text, payload, comments, and nothing for undefined', async () => {
    const a = add();
    await a.runs.start('r', () => [
      'text',
      { type: 'step', data: 1 },
      { data: 'x', extra: true },
      undefined,
      null,
      event({ type: 'own', id: '7', data: [1] }),
      comment('c'),
    ]);
    const subscription = await a.runs.attach('r');
    const events = [];
    for await (const { type, id, data, comment } of subscription) events.push([type, id, data, comment]);
    const cursor = expect.stringMatching(/~/) as string;
    expect(events).toEqual([
      [undefined, cursor, 'text', undefined],
      ['step', cursor, 1, undefined],
      [undefined, cursor, { data: 'x', extra: true }, undefined],
      [undefined, cursor, null, undefined],
      ['own', '7', [1], undefined],
      [undefined, undefined, undefined, 'c'],
    ]);
    await a.runs.start('d', () => [{ data: 1 }], { emits: 'data' });
    expect((await collect(a, 'd')).seen).toEqual([{ data: 1 }]);
  });

  it('cannot be attached to, or stopped, before they were started', async () => {
    const a = add();
    await expect(a.runs.attach('r')).rejects.toThrow(code('SSE_RUN_UNKNOWN'));
    await expect(a.runs.stop('r')).rejects.toThrow(code('SSE_RUN_UNKNOWN'));
    expect(await a.runs.status('r')).toBeUndefined();
    const error = await a.runs.attach('r').catch((e: unknown) => e);
    expect([isSseError(error, 'SSE_RUN_UNKNOWN'), (error as SseError).message]).toEqual([
      true,
      'There is no run with the id "r".',
    ]);
  });

  it('accept the options of attach()', async () => {
    const { runs } = add();
    await runs.start('r', () => [1]);
    for (const [options, says] of [
      [{ form: 'oldest' }, 'Unknown option "form"'],
      [{ from: 'oldest' }, 'Unknown option "from"'],
      [{ filter: true }, 'Invalid option "filter": true'],
      [null, 'Invalid options: null'],
    ] as const) {
      await expect(runs.attach('r', options as never)).rejects.toThrow(
        expect.objectContaining({
          code: 'SSE_INVALID_OPTIONS',
          message: expect.stringContaining(`Runs.attach(): ${says}`) as string,
        }) as Error,
      );
    }
  });

  it.each(['', 'x'.repeat(237), 'a\nb'])('reject the ID %j', async (id) => {
    const { runs } = add();
    for (const act of [
      () => runs.start(id, () => []),
      () => runs.attach(id),
      () => runs.stop(id),
      () => runs.status(id),
    ])
      await expect(act()).rejects.toThrow(code('SSE_INVALID_CHANNEL'));
  });

  it.each(['__proto__', 'a:b', 'ü'.repeat(100)])('accept the ID %j', async (id) => {
    const a = add();
    await a.runs.start(id, () => ['x']);
    expect((await collect(a, id)).seen).toEqual(['x']);
  });

  it('have one owner: a running ID cannot be started, on any node', async () => {
    const [a, b] = [add(), add()];
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    for (const { runs } of [a, b]) {
      await expect(runs.start('r', () => [])).rejects.toThrow(code('SSE_RUN_EXISTS'));
      const run = await runs.start('r', () => ['other'], { attachIfRunning: true });
      expect(run.started).toBe(false);
      expect(await run.status()).toBe('running');
    }
    hand.done();
    await turns();
    expect((await collect(b, 'r')).seen).toEqual([]);
  });

  it('have one owner, also if all nodes start it at once', async () => {
    const all = range(0, 5).map(() => add());
    for (const round of range(0, 20)) {
      const id = `r${round}`;
      const hands = all.flatMap(() => [new Hand(), new Hand()]);
      const started = await Promise.allSettled(
        hands.map((hand, i) => all[i >> 1]?.runs.start(id, hand.source)),
      );
      const winners = hands.filter((_, i) => started[i]?.status === 'fulfilled');
      expect(winners).toHaveLength(1);
      hands.forEach((hand, i) => {
        hand.give(i);
        hand.done();
      });
      const views = await Promise.all(all.map((node) => collect(node, id)));
      for (const { seen } of views) expect(seen).toEqual([hands.indexOf(winners[0] as Hand)]);
    }
  });

  it('can be started again after their end; a client with an old id receives a gap and the whole run', async () => {
    const [a, b] = [add(), add()];
    await a.runs.start('r', () => ['old 1', 'old 2']);
    const old = await collect(a, 'r');
    const hand = new Hand();
    await b.runs.start('r', hand.source);
    hand.give('new 1');
    await turns();
    const views = [
      await RunViewer.attach(a, 'r'),
      await RunViewer.attach(a, 'r', { after: old.ids[0] }),
      await RunViewer.attach(b, 'r', { after: old.ids[1] }),
      await RunViewer.attach(b, 'r', { after: old.ids[1], gap: false }),
    ];
    hand.give('new 2');
    await turns();
    hand.done();
    for (const { end } of views) expect(await end).toBe('ended');
    expect(views.map(({ seen }) => seen)).toEqual([
      ['new 1', 'new 2'],
      ['gap', 'new 1', 'new 2'],
      ['gap', 'new 1', 'new 2'],
      ['new 1', 'new 2'],
    ]);
  });

  it('are encoded once for all viewers', async () => {
    const a = add();
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    hand.give(...range(0, 10));
    await turns();
    const all = await Promise.all(range(0, 3).map(() => a.runs.attach('r')));
    for (const subscription of all) await subscription.ready;
    const batches = all.map((subscription) => subscription.take());
    await turns();
    const [first, ...others] = all.map((subscription, i) => batches[i] ?? subscription.take());
    expect(first?.size).toBe(10);
    for (const batch of others) expect(batch?.bytes).toBe(first?.bytes);
    for (const subscription of all) subscription.close();
  });

  it('reject invalid IDs, and report an ID that never existed', async () => {
    const a = add();
    await a.runs.start('r', () => ['x']);
    await turns();
    for (const after of ['x'.repeat(5000), 'ü']) {
      await expect(a.runs.attach('r', { after })).rejects.toThrow(code('SSE_INVALID_CURSOR'));
    }
    for (const after of ['17', 'never', '1kx0z2~9f3kq2-2x']) {
      expect((await collect(a, 'r', { after })).seen).toEqual(['gap', 'x']);
    }
    expect((await collect(a, 'r', { after: '' })).seen).toEqual(['x']);
  });

  it('reject a source that was created before, and explain it to a handler that returns one', async () => {
    const a = add();
    await expect(a.runs.start('made', numbers(3) as never)).rejects.toThrow(
      expect.objectContaining({
        code: 'SSE_NOT_STREAMABLE',
        message: expect.stringMatching(
          /^Runs\.start\(\) was called with .* as its source\. Pass a function that makes the source/,
        ) as string,
      }) as Error,
    );
    const run = await a.runs.start('r', () => ['x']);
    expect(JSON.stringify(run)).toBe('{"id":"r","started":true}');
    await turns();
  });

  it('send only events that pass a filter, and still end', async () => {
    const a = add();
    await a.runs.start('r', () => range(0, 6));
    const odd = await collect(a, 'r', { filter: ({ data }) => (data as number) % 2 === 1 });
    expect(odd.seen).toEqual([1, 3, 5]);
    expect((await collect(a, 'r', { filter: () => false })).seen).toEqual([]);
  });
});
