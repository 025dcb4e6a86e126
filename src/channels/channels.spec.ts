import { Inject, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { event, type SseEvent } from '../events/sse-event.js';
import { Channels } from './channels.js';
import { channelKey } from '../log/cursor.js';
import type { SubscribeOptions } from './subscription.options.js';

const turn = () => new Promise(setImmediate);
const withCode = (code: string, ...parts: string[]) =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(new RegExp(parts.join('.*'), 's')),
  });

async function received(channels: Channels, names: string | string[], options: SubscribeOptions) {
  const subscription = channels.subscribe(names, options);
  const events: SseEvent[] = [];
  for (let batch = subscription.take(); batch; batch = subscription.take()) {
    for (let i = 0; i < batch.size; i++) events.push(batch.event(i) as SseEvent);
  }
  await subscription.return();
  return events;
}
const data = (events: readonly SseEvent[]) => events.map((each) => each.data);

describe('publishing', () => {
  it('returns the id of an event, and the ids of an array, including own ids', async () => {
    const channel = new Channels().channel('a');
    const { tag } = channelKey('a');
    expect(await channel.publish('x')).toMatch(new RegExp(`^${tag}~[0-9a-z]+-11$`));
    const ids = await channel.publish(['y', event({ id: 7, data: 'z' })]);
    expect(ids).toEqual([expect.stringMatching(/-12$/), '7']);
    expect(await channel.publish([])).toEqual([]);
  });

  it('rejects a whole array if one of its events cannot be published', async () => {
    const channels = new Channels();
    const channel = channels.channel('a');
    const cases: [unknown[], string][] = [
      [['x', undefined], 'SSE_NOT_SERIALIZABLE'],
      [['x', 1n], 'SSE_NOT_SERIALIZABLE'],
      [['x', 'y'.repeat(300_000)], 'SSE_EVENT_TOO_LARGE'],
      [[event({ id: 2, data: '' }), event({ id: 1, data: '' })], 'SSE_ID_ORDER'],
    ];
    for (const [values, code] of cases) await expect(channel.publish(values)).rejects.toThrow(withCode(code));
    expect(await received(channels, 'a', { from: 'oldest' })).toEqual([]);
  });

  it('rejects an own id out of order, and subscribers lose nothing', async () => {
    const channel = new Channels().channel<string>('a');
    const subscription = channel.subscribe();
    await channel.publish(event({ id: 5, data: 'five' }));
    await expect(channel.publish(event({ id: 4, data: 'four' }))).rejects.toThrow(
      withCode('SSE_ID_ORDER', '"4"', '"5"', '"a"'),
    );
    await channel.publish(event({ id: 6, data: 'six' }));
    expect(subscription.take()?.text).toBe('id: 5\ndata: five\n\nid: 6\ndata: six\n\n');
  });
});

describe('own ids', () => {
  it('can be used to resume', async () => {
    const channels = new Channels();
    const ids = [1, 2, 10].map((id) => event({ id, data: `${id}` }));
    await channels.channel('a').publish([...ids, 'eleventh']);
    expect(data(await received(channels, 'a', { after: '2' }))).toEqual(['10', 'eleventh']);
    expect(data(await received(channels, 'a', { after: '10' }))).toEqual(['eleventh']);
  });

  it('that the channel does not know are gaps', async () => {
    const channels = new Channels();
    await channels.channel('a').publish([3, 4].map((id) => event({ id, data: `${id}` })));
    for (const after of ['2', '5', 'x']) {
      const [gap, ...rest] = await received(channels, 'a', { after });
      expect([gap?.type, gap?.data, data(rest)]).toEqual([
        'gap',
        { requested: after, oldest: '3' },
        ['3', '4'],
      ]);
    }
  });
});

describe('a channel name', () => {
  it('can be any text, including __proto__', async () => {
    const channels = new Channels();
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'a b/ü']) {
      const subscription = channels.channel(name).subscribe();
      await channels.channel(name).publish(name);
      expect(subscription.take()?.event(0)?.data).toBe(name);
      expect([channels.channel(name).name, channels.channel(name).size()]).toEqual([name, 1]);
    }
    expect(channels.list()).toHaveLength(4);
    expect(({} as Record<string, unknown>)['size']).toBeUndefined();
  });

  it.each(['', 'a\nb', 'x'.repeat(4096), 7])('is rejected as %p before anything is created', (name) => {
    const channels = new Channels();
    expect(() => channels.channel(name as string)).toThrow(withCode('SSE_INVALID_CHANNEL'));
    expect(() => channels.subscribe(['good', name as string])).toThrow(withCode('SSE_INVALID_CHANNEL'));
    expect(channels.list()).toEqual([]);
  });
});

describe('a cursor', () => {
  it('of another channel is rejected, not replayed', async () => {
    const channels = new Channels();
    const id = await channels.channel('mine').publish('secret');
    await channels.channel('yours').publish('x');
    expect(() => channels.channel('yours').subscribe({ after: id })).toThrow(
      withCode('SSE_INVALID_CURSOR', 'does not belong to "yours"', 'to start without one'),
    );
    expect(channels.channel('yours').size()).toBe(0);
  });

  it.each([
    ['a'.repeat(1_048_576), 'too long'],
    [`abcdef~e-1${'.abcdef~-1'.repeat(100_000)}`, 'too long'],
    ['ü', 'not printable ASCII'],
    ['a\nb', 'not printable ASCII'],
    [5, 'not a string'],
    [{ toString: () => 'x' }, 'not a string'],
    [null, 'not a string'],
  ])('that no client was given is rejected (%#)', (after, why) => {
    const channel = new Channels().channel('a');
    expect(() => channel.subscribe({ after: after as string })).toThrow(withCode('SSE_INVALID_CURSOR', why));
  });

  it('may be undefined or empty, which means none', async () => {
    const channels = new Channels();
    await channels.channel('a').publish('x');
    expect(await received(channels, 'a', { after: '' })).toEqual([]);
    expect(data(await received(channels, 'a', { after: '', from: 'oldest' }))).toEqual(['x']);
    expect(data(await received(channels, 'a', { after: undefined, from: 'oldest' }))).toEqual(['x']);
  });

  it('is known before the first event, so that a client can resume after the head', async () => {
    const channels = new Channels();
    await channels.channel('a').publish('before');
    const first = channels.channel('a').subscribe();
    await first.ready;
    const { cursor } = first;
    await first.return();
    await channels.channel('a').publish('while away');
    expect(data(await received(channels, 'a', { after: cursor }))).toEqual(['while away']);
  });

  it('moves with the events that were taken', async () => {
    const channel = new Channels().channel('a');
    const subscription = channel.subscribe({ from: 'oldest' });
    expect(subscription.cursor).toBeUndefined();
    const ids = await channel.publish(['1', '2']);
    subscription.take();
    expect(subscription.cursor).toBe(ids[1]);
  });
});

describe('the options of a subscription', () => {
  it.each<[given: unknown, ...says: string[]]>([
    [{ form: 'oldest' }, 'Unknown option "form"', 'Did you mean "from"'],
    [{ lastEventId: '7' }, 'Unknown option "lastEventId"', '"after", "from"'],
    [{ from: 'start' }, '"from": "start"', "'now' or 'oldest'"],
    [{ filter: 'score' }, '"filter": "score"', 'a function'],
    [{ until: true }, '"until": true', 'a function'],
    [{ signal: new AbortController() }, '"signal": an instance', 'Pass its "signal"'],
    [{ signal: {} }, '"signal": {}', 'an AbortSignal'],
    [{ gap: true }, '"gap": true', 'false for none'],
    [{ gap: 5 }, '"gap": 5'],
    ['7', 'Invalid options: "7"'],
    [null, 'Invalid options: null'],
  ])('cannot be %p', (given, ...says) => {
    const channels = new Channels();
    const refusal = withCode('SSE_INVALID_OPTIONS', 'subscribe\\(\\): ', ...says);
    expect(() => channels.channel('a').subscribe(given as SubscribeOptions)).toThrow(refusal);
    expect(() => channels.subscribe(['a', 'b'], given as SubscribeOptions)).toThrow(refusal);
    expect(channels.list()).toEqual([]);
  });

  it('may be undefined', () => {
    const options = {
      after: undefined,
      from: undefined,
      signal: undefined,
      filter: undefined,
      until: undefined,
      gap: undefined,
    };
    expect(() => new Channels().channel('a').subscribe(options)).not.toThrow();
  });
});

describe('a subscription to several channels', () => {
  it('is one sequence in the order of publishing, and each event has the cursor of all channels', async () => {
    const channels = new Channels();
    const [a, b] = [channels.channel('a'), channels.channel('b')];
    const subscription = channels.subscribe(['b', 'a', 'b']);
    await a.publish('1');
    await b.publish(event({ type: 't', id: 'own', data: '2' }));
    await a.publish(['3', '4']);
    const batch = subscription.take();
    const events = Array.from({ length: batch?.size ?? 0 }, (_, i) => batch?.event(i) as SseEvent);
    expect(data(events)).toEqual(['1', '2', '3', '4']);
    const tags = ['a', 'b'].map((name) => channelKey(name).tag);
    for (const { id } of events) expect(id).toMatch(new RegExp(`^${tags[0]}~\\w+-\\w+\\.${tags[1]}~-\\w+$`));
    expect(batch?.text).toBe(
      events
        .map(({ id, data, type }) => `${type ? 'event: t\n' : ''}id: ${id}\ndata: ${String(data)}\n\n`)
        .join(''),
    );
    for (const [i, { id }] of events.entries()) {
      expect(data(await received(channels, ['a', 'b'], { after: id }))).toEqual(
        ['1', '2', '3', '4'].slice(i + 1),
      );
    }
  });

  it('shares batches with subscriptions to the same channels in another order', async () => {
    const channels = new Channels();
    const all = [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'b'],
    ].map((names) => channels.subscribe(names));
    for (const subscription of all) subscription.take();
    await channels.channel('a').publish('1');
    await channels.channel('b').publish('2');
    await turn();
    const [first, ...others] = all.map((subscription) => subscription.take());
    expect(first?.size).toBe(2);
    expect(others.map((batch) => batch?.text)).toEqual([first?.text, first?.text]);
    await channels.channel('a').publish('3');
    const batches: unknown[] = [];
    for (const subscription of all) {
      subscription.take();
      subscription.onReadable(() => batches.push(subscription.take()));
    }
    await turn();
    expect(batches).toHaveLength(3);
    expect(new Set(batches).size).toBe(1);
  });

  it('passes the name of the channel to a filter', async () => {
    const channels = new Channels();
    await channels.channel('a').publish('1');
    await channels.channel('b').publish('2');
    const events = await received(channels, ['a', 'b'], {
      from: 'oldest',
      filter: (_, name) => name === 'b',
    });
    expect(data(events)).toEqual(['2']);
  });

  it('resumes channels that are in the cursor, and starts the others from now or the oldest', async () => {
    const channels = new Channels();
    const [a, b] = [channels.channel('a'), channels.channel('b')];
    const [one] = await a.publish(['a1', 'a2']);
    await b.publish('b1');
    const both = await received(channels, ['a', 'b'], { from: 'oldest' });
    expect(data(await received(channels, ['a', 'b'], { after: one }))).toEqual(['a2']);
    expect(data(await received(channels, ['a', 'b'], { after: one, from: 'oldest' }))).toEqual(['a2', 'b1']);
    expect(data(await received(channels, 'b', { after: both[1]?.id }))).toEqual(['b1']);
    expect(() => channels.subscribe(['b', 'c'], { after: one })).toThrow(withCode('SSE_INVALID_CURSOR'));
  });

  it('reports a gap once, and continues with the oldest event of the channel that lost events', async () => {
    const channels = new Channels();
    const old = new Channels();
    const [cursor] = await old.channel('a').publish(['x']);
    await channels.channel('a').publish('a1');
    const [oldest] = await channels.channel('b').publish(['b1']);
    const events = await received(channels, ['a', 'b'], { after: cursor, from: 'oldest' });
    expect(events.map(({ type }) => type)).toEqual(['gap', undefined, undefined]);
    expect(data(events.slice(1))).toEqual(['a1', 'b1']);
    expect(data(await received(channels, ['a', 'b'], { after: events[0]?.id, from: 'oldest' }))).toEqual([
      'a1',
      'b1',
    ]);
    expect(data(await received(channels, 'b', { after: oldest }))).toEqual([]);
  });

  it('replays a long backlog in order, in small batches', async () => {
    const channels = new Channels();
    const names = Array.from({ length: 8 }, (_, i) => `c${i}`);
    for (let i = 0; i < 1000; i++) await channels.channel(names[i % 9 === 0 ? i % 8 : 0] ?? '').publish(i);
    const subscription = channels.subscribe(names, { from: 'oldest' });
    const seen: unknown[] = [];
    for (let batch = subscription.take(); batch; batch = subscription.take()) {
      expect(batch.size).toBeLessThanOrEqual(256);
      for (let i = 0; i < batch.size; i++) seen.push(batch.event(i)?.data);
    }
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('is rejected if the names of two channels have the same hash, because a cursor could not tell them apart', () => {
    const names = ['match:101665', 'match:150733'];
    expect(new Set(names.map((name) => channelKey(name).tag)).size).toBe(1);
    const channels = new Channels();
    expect(() => channels.subscribe(names)).toThrow(
      expect.objectContaining({
        code: 'SSE_INVALID_CHANNEL',
        message:
          'The names of the channels "match:150733" and "match:101665" have the same hash in cursors. ' +
          'One subscription cannot have both. Rename one of them.',
        context: { names: names.toReversed() },
      }) as Error,
    );
    for (const name of names) expect(channels.subscribe(name).take()).toBeUndefined();
  });

  it('counts in each of its channels, and is rejected without a channel and with more than 100', async () => {
    const channels = new Channels();
    const both = channels.subscribe(['a', 'b']);
    const one = channels.subscribe('a');
    both.take();
    one.take();
    expect(channels.list()).toEqual([
      { name: 'a', size: 2 },
      { name: 'b', size: 1 },
    ]);
    await both.return();
    await one.return();
    expect(channels.list()).toEqual([]);
    expect(() => channels.subscribe([])).toThrow(withCode('SSE_INVALID_CHANNEL', '0 channels'));
    const many = Array.from({ length: 101 }, (_, i) => `${i}`);
    expect(() => channels.subscribe(many)).toThrow(withCode('SSE_INVALID_CHANNEL', '101 channels'));
    expect(channels.subscribe(many.slice(1)).cursor?.length).toBeLessThan(2000);
  });
});

describe('closing', () => {
  it('ends all subscriptions, and rejects later calls', async () => {
    const channels = new Channels();
    const channel = channels.channel('a');
    const parked = channel.subscribe().next();
    const batched = channels.subscribe(['a', 'b']);
    batched.take();
    expect(channels.health()).toEqual({ status: 'up' });
    await channels.onApplicationShutdown();
    await channels.close();
    expect(await parked).toEqual({ value: undefined, done: true });
    expect([batched.ended, batched.take(), channels.list()]).toEqual([true, undefined, []]);
    await expect(channel.publish('x')).rejects.toThrow(withCode('SSE_LOG_UNAVAILABLE', 'closed'));
    expect(await channel.subscribe().next()).toEqual({ value: undefined, done: true });
    expect(channels.health().status).toBe('down');
  });

  it('happens when the application shuts down', async () => {
    @Injectable()
    class News {
      constructor(@Inject(Channels) readonly channels: Channels) {}
    }
    const providers = [News, { provide: Channels, useFactory: () => new Channels() }];
    const module = await Test.createTestingModule({ providers }).compile();
    const { channels } = module.get(News);
    const parked = channels.channel('a').subscribe().next();
    await module.close();
    expect(await parked).toEqual({ value: undefined, done: true });
  });
});
