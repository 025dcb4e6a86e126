import { createHook } from 'node:async_hooks';
import { jest } from '@jest/globals';
import { event, SseEvent } from '../events/sse-event.js';
import { encodeEvent } from '../wire/encode-event.js';
import { Channels, type ChannelsOptions } from './channels.js';
import { isGap } from '../events/library-events.js';
import { memoryLog } from '../log/memory-log.js';
import { isChannelSubscription, type ChannelSubscription } from './subscription.js';

const turn = () => new Promise(setImmediate);

function channelsWith(maxEvents?: number, options: ChannelsOptions = {}) {
  const log = memoryLog({ maxEvents });
  const channels = new Channels({ log, ...options });
  return { log, channels, a: channels.channel('a') };
}

/** The events that are available now. */
function drain(subscription: ChannelSubscription): SseEvent[] {
  const events: SseEvent[] = [];
  for (let batch = subscription.take(); batch; batch = subscription.take()) {
    expect(batch.size).toBeGreaterThan(0);
    for (let i = 0; i < batch.size; i++) events.push(batch.event(i) as SseEvent);
  }
  return events;
}
const data = (events: readonly SseEvent[]) => events.map((each) => each.data);

describe('a subscription', () => {
  it('starts at the time of its creation, not of its first read', async () => {
    const { a } = channelsWith();
    await a.publish('before');
    const subscription = a.subscribe();
    await a.publish('after');
    expect(data(drain(subscription))).toEqual(['after']);
  });

  it('from the oldest replays the log and continues live', async () => {
    const { a } = channelsWith(2);
    await a.publish(['1', '2', '3']);
    const subscription = a.subscribe({ from: 'oldest' });
    const seen = [await subscription.next(), await subscription.next()];
    const parked = subscription.next();
    await a.publish('4');
    expect([...seen, await parked].map(({ value }) => value?.data)).toEqual(['2', '3', '4']);
  });

  it('after an id receives the events after it, with the same bytes as other subscriptions', async () => {
    const { a } = channelsWith();
    const live = a.subscribe();
    const ids = await a.publish([{ n: 1 }, event({ type: 'x', data: 'two\nlines' }), 3]);
    const bytes = drain(live).map((each) => encodeEvent(each));
    expect(bytes).toEqual([
      `id: ${ids[0]}\ndata: {"n":1}\n\n`,
      `event: x\nid: ${ids[1]}\ndata: two\ndata: lines\n\n`,
      `id: ${ids[2]}\ndata: 3\n\n`,
    ]);
    for (const [i, after] of ids.entries()) {
      expect(a.subscribe({ after }).take()?.text ?? '').toBe(bytes.slice(i + 1).join(''));
    }
  });

  it('returns the data after serializing and parsing', async () => {
    const { a } = channelsWith();
    const subscription = a.subscribe();
    const published = { at: new Date(0), list: [1] };
    await a.publish(published);
    published.list.push(2);
    const [received] = drain(subscription);
    expect(received?.data).toEqual({ at: '1970-01-01T00:00:00.000Z', list: [1] });
    expect(received).toBeInstanceOf(SseEvent);
  });

  it('is an async iterable that ends with return(), even while next() is pending', async () => {
    const { a } = channelsWith();
    const subscription = a.subscribe();
    const parked = [subscription.next(), subscription.next()];
    expect(a.size()).toBe(1);
    expect(await subscription.return()).toEqual({ value: undefined, done: true });
    expect(await Promise.all(parked)).toEqual([
      { value: undefined, done: true },
      { value: undefined, done: true },
    ]);
    expect(await subscription.next()).toEqual({ value: undefined, done: true });
    expect([a.size(), subscription.ended]).toEqual([0, true]);
  });

  it('ends when its loop breaks, and no longer counts as a subscriber', async () => {
    const { a, log } = channelsWith();
    const subscription = a.subscribe();
    await a.publish(['1', '2', '3']);
    const seen = [];
    for await (const each of subscription) {
      seen.push(each.data);
      if (seen.length === 2) break;
    }
    expect([seen, a.size(), log.stats().channels]).toEqual([['1', '2'], 0, 1]);
  });

  it('resolves several pending next() in order', async () => {
    const { a } = channelsWith();
    const subscription = a.subscribe();
    const parked = [subscription.next(), subscription.next(), subscription.next()];
    await a.publish(['1', '2']);
    await a.publish('3');
    expect((await Promise.all(parked)).map(({ value }) => value?.data)).toEqual(['1', '2', '3']);
  });

  it('creates one promise per available event', async () => {
    const { a } = channelsWith();
    const subscription = a.subscribe();
    await a.publish(Array.from({ length: 100 }, (_, i) => i));
    void subscription.next();
    let promises = 0;
    const hook = createHook({ init: (_id, type) => void (type === 'PROMISE' && promises++) }).enable();
    for (let i = 1; i < 100; i++) void subscription.next();
    hook.disable();
    expect(promises).toBe(99);
    await subscription.return();
  });

  it('passes no batch to a consumer while next() is pending, or has returned part of a batch', async () => {
    const { a } = channelsWith();
    const subscription = a.subscribe();
    const consumer = { ready: true, batch: jest.fn() };
    const [first, second] = [subscription.next(), subscription.next()];
    subscription.follow(consumer as never);
    await a.publish(['1', '2', '3']);
    await turn();
    expect([(await first).value?.data, (await second).value?.data]).toEqual(['1', '2']);
    subscription.follow(consumer as never);
    await a.publish('4');
    await turn();
    expect(data(drain(subscription))).toEqual(['3', '4']);
    expect(consumer.batch).not.toHaveBeenCalled();
  });

  it('is recognized by isChannelSubscription()', () => {
    const { a } = channelsWith();
    expect(isChannelSubscription(a.subscribe())).toBe(true);
    for (const other of [undefined, null, 'x', {}, a, (async function* () {})()]) {
      expect(isChannelSubscription(other)).toBe(false);
    }
  });
});

describe('the signal of a subscription', () => {
  it('ends it, resolves a pending next(), and drops events that were not returned', async () => {
    const { a } = channelsWith();
    const controller = new AbortController();
    const parked = a.subscribe({ signal: controller.signal }).next();
    const busy = a.subscribe({ signal: controller.signal });
    const batches = a.subscribe({ signal: controller.signal });
    drain(batches);
    const readable = jest.fn();
    batches.onReadable(readable);
    const first = busy.next();
    await a.publish(['1', '2']);
    await turn();
    drain(batches);
    controller.abort();
    expect((await first).value?.data).toBe('1');
    expect((await parked).value?.data).toBe('1');
    expect(await busy.next()).toEqual({ value: undefined, done: true });
    expect(batches.take()).toBeUndefined();
    expect([a.size(), batches.ended, busy.ended]).toEqual([0, true, true]);
    expect(readable).toHaveBeenCalledTimes(2);
  });

  it('ends it immediately if already aborted', async () => {
    const { a, log } = channelsWith();
    const subscription = a.subscribe({ signal: AbortSignal.abort() });
    expect(await subscription.next()).toEqual({ value: undefined, done: true });
    expect([a.size(), log.stats().channels]).toEqual([0, 0]);
  });

  it('has no listener before the first read, nor after the end', async () => {
    const { a } = channelsWith();
    const { signal } = new AbortController();
    const added = jest.spyOn(signal, 'addEventListener');
    const removed = jest.spyOn(signal, 'removeEventListener');
    const subscription = a.subscribe({ signal });
    expect(added).not.toHaveBeenCalled();
    subscription.take();
    await subscription.return();
    expect(added.mock.calls.length).toBe(1);
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual([added.mock.calls[0]?.[1]]);
  });
});

describe('a subscription that was never read', () => {
  it('does not count as a subscriber, and holds no resources', () => {
    const { a, channels, log } = channelsWith();
    a.subscribe();
    expect([a.size(), channels.list(), log.stats().channels]).toEqual([0, [], 0]);
  });
});

describe('a gap', () => {
  it('comes first if the cursor was evicted, with that cursor and the oldest id', async () => {
    const { a } = channelsWith(2);
    const ids = await a.publish(['1', '2', '3', '4']);
    const events = drain(a.subscribe({ after: ids[0] }));
    expect(encodeEvent(events[0] as SseEvent)).toMatch(
      /^event: gap\nid: [!-~]+\ndata: \{"requested":"[^"]+","oldest":"[^"]+"\}\n\n$/,
    );
    expect(events[0]?.data).toEqual({ requested: ids[0], oldest: ids[2] });
    expect(data(events.slice(1))).toEqual(['3', '4']);
  });

  it('is not sent to a client that misses nothing', async () => {
    const { a } = channelsWith(2);
    const ids = await a.publish(['1', '2', '3', '4']);
    expect(data(drain(a.subscribe({ after: ids[1] })))).toEqual(['3', '4']);
    expect(data(drain(a.subscribe({ after: ids[3] })))).toEqual([]);
  });

  it('is sent to a reader that falls behind eviction, followed by the oldest events', async () => {
    const { a } = channelsWith(3);
    const subscription = a.subscribe();
    const [first] = await a.publish(['1']);
    expect(data(drain(subscription))).toEqual(['1']);
    const ids = await a.publish(['2', '3', '4', '5', '6']);
    await turn();
    const events = drain(subscription);
    expect(events.map((each) => each.type)).toEqual(['gap', undefined, undefined, undefined]);
    expect(events[0]?.data).toEqual({ requested: first, oldest: ids[2] });
    expect(data(events.slice(1))).toEqual(['4', '5', '6']);
  });

  it('is sent once, because a client can resume with its id', async () => {
    const old = channelsWith();
    const [before] = await old.a.publish(['1']);
    const { a } = channelsWith();
    const [gap] = drain(a.subscribe({ after: before }));
    expect(gap).toMatchObject({ type: 'gap', data: { requested: before, oldest: null } });
    await a.publish('2');
    await turn();
    expect(data(drain(a.subscribe({ after: gap?.id })))).toEqual(['2']);
  });

  it.each(['forged', '5', '-1', 'a b', '../../etc', '{"$gt":""}'])(
    'answers the unknown id %p',
    async (after) => {
      const { a } = channelsWith();
      const [first] = await a.publish(['1']);
      const events = drain(a.subscribe({ after }));
      expect(data(events)).toEqual([{ requested: after, oldest: first }, '1']);
    },
  );

  it('is sent for a cursor of this epoch that is in the future', async () => {
    const { a } = channelsWith();
    const [first = ''] = await a.publish(['1']);
    const events = drain(a.subscribe({ after: `${first}zzz` }));
    expect(data(events)).toEqual([{ requested: `${first}zzz`, oldest: first }, '1']);
  });

  it('has the type that the subscription or the channels set, or is not sent', async () => {
    const { a } = channelsWith(1, { gap: 'lost' });
    const [first] = await a.publish(['1', '2', '3']);
    const types = (gap?: string | false) => drain(a.subscribe({ after: first, gap })).map(({ type }) => type);
    expect([types(), types('missed'), types(false)]).toEqual([
      ['lost', undefined],
      ['missed', undefined],
      [undefined],
    ]);
    const told = drain(a.subscribe({ after: first, gap: 'missed' })).map((each) => isGap(each));
    expect(told).toEqual([true, false]);
    expect(isGap(event({ type: 'gap', data: { requested: 'a', oldest: null } }))).toBe(false);
    expect(() => a.subscribe({ gap: 'two\nlines' })).toThrow(
      expect.objectContaining({ code: 'SSE_INVALID_FIELD' }),
    );
  });
});

describe('a filter', () => {
  it('is called for replayed and live events, and not for gaps', async () => {
    const { a } = channelsWith(4);
    const [first] = await a.publish([0, 1, 2, 3, 4, 5]);
    const asked: unknown[] = [];
    const subscription = a.subscribe({
      after: first,
      filter: (each, channel) => {
        asked.push(`${channel}${String(each.data)}`);
        return (each.data as number) % 2 === 1;
      },
    });
    expect(data(drain(subscription).slice(1))).toEqual([3, 5]);
    await a.publish([6, 7]);
    await turn();
    expect(data(drain(subscription))).toEqual([7]);
    expect(asked).toEqual(['a2', 'a3', 'a4', 'a5', 'a6', 'a7']);
  });

  it('that throws ends only its own subscription, after the events before', async () => {
    const { a } = channelsWith();
    const broken = (each: SseEvent) => {
      if (each.data === 3) throw new TypeError('broken');
      return true;
    };
    const iterated = a.subscribe({ filter: broken });
    const batched = a.subscribe({ filter: broken });
    const sound = a.subscribe();
    const parked = [iterated.next(), iterated.next(), iterated.next(), iterated.next()];
    const results = Promise.allSettled(parked);
    expect([drain(batched), drain(sound)]).toEqual([[], []]);
    await a.publish([1, 2, 3, 4]);
    await turn();
    expect(data(drain(sound))).toEqual([1, 2, 3, 4]);
    expect(await results).toMatchObject([
      { value: { value: { data: 1 } } },
      { value: { value: { data: 2 } } },
      { reason: new TypeError('broken') },
      { value: { done: true } },
    ]);
    expect(batched.take()?.size).toBe(2);
    expect(() => batched.take()).toThrow('broken');
    expect([batched.take(), batched.ended, a.size()]).toEqual([undefined, true, 1]);
  });

  it('may publish', async () => {
    const { a } = channelsWith();
    const subscription = a.subscribe({
      filter: (each) => {
        if (typeof each.data === 'number') void a.publish([`${each.data}a`, `${each.data}b`]);
        return true;
      },
    });
    const seen: unknown[] = [];
    subscription.onReadable(() => seen.push(...data(drain(subscription))));
    drain(subscription);
    await a.publish([1, 2]);
    await turn();
    await turn();
    expect(seen).toEqual([1, 2, '1a', '1b', '2a', '2b']);
  });
});

describe('until', () => {
  it('ends the subscription after the event for which it is true', async () => {
    const { a } = channelsWith();
    const subscription = a.subscribe({ until: ({ type }) => type === 'done' });
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const each of subscription) seen.push(each.data);
    })();
    await turn();
    await a.publish([1, 2, event({ type: 'done', data: 3 }), 4]);
    await loop;
    expect([seen, a.size()]).toEqual([[1, 2, 3], 0]);
  });

  it('includes the last event in a batch, and then the subscription has ended', async () => {
    const { a } = channelsWith();
    const subscription = a.subscribe({ until: (each) => each.data === 2 });
    await a.publish([1, 2, 3]);
    expect(subscription.take()?.size).toBe(2);
    expect([subscription.ended, subscription.take()]).toEqual([true, undefined]);
  });
});
