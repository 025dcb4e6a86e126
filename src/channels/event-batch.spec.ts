import { jest } from '@jest/globals';
import type { EventBatch } from './event-batch.js';
import { BATCH_LIMIT } from './feed.js';
import { Channels } from './channels.js';
import { memoryLog } from '../log/memory-log.js';
import type { ChannelSubscription } from './subscription.js';

const turn = () => new Promise(setImmediate);

/** Subscribes like a connection: takes batches when it is notified. */
function follow(subscription: ChannelSubscription): EventBatch[] {
  const batches: EventBatch[] = [];
  const run = () => {
    for (let batch = subscription.take(); batch; batch = subscription.take()) batches.push(batch);
  };
  subscription.onReadable(run);
  run();
  return batches;
}

describe('batches', () => {
  it('are one object for all subscriptions at the same position, joined and encoded once', async () => {
    const serialize = jest.fn(JSON.stringify);
    const channel = new Channels({ serialize }).channel<number>('a');
    const all = Array.from({ length: 100 }, () => follow(channel.subscribe()));
    for (let i = 0; i < 16; i++) await channel.publish(i);
    await turn();
    const [first] = all[0] ?? [];
    expect(first?.size).toBe(16);
    expect(serialize).toHaveBeenCalledTimes(16);
    expect(all.every((batches) => batches.length === 1 && batches[0] === first)).toBe(true);
    expect(first?.bytes).toBe(first?.bytes);
    expect(first?.bytes.toString()).toBe(first?.text);
    expect(first?.byteLength).toBe(first?.bytes.length);
    expect(first?.text).toBe(first?.items.map(({ frame }) => frame).join(''));
  });

  it('notify a subscriber once per turn, and only after take() has returned undefined', async () => {
    const channel = new Channels().channel<number>('a');
    const ready = jest.fn();
    const subscription = channel.subscribe();
    subscription.onReadable(ready);
    await channel.publish(1);
    await turn();
    expect(ready).not.toHaveBeenCalled();
    expect(subscription.take()?.size).toBe(1);
    expect(subscription.take()).toBeUndefined();
    for (let i = 0; i < 5; i++) await channel.publish(i);
    await turn();
    await channel.publish(5);
    await turn();
    expect(ready).toHaveBeenCalledTimes(1);
    expect(subscription.take()?.size).toBe(6);
  });

  it('are shared by subscriptions that resume at the same position, even in different turns', async () => {
    const channel = new Channels().channel<number>('a');
    const [after] = await channel.publish(Array.from({ length: 20 }, (_, i) => i));
    const one = channel.subscribe({ after }).take();
    await turn();
    expect(channel.subscribe({ after }).take()).not.toBeUndefined();
    const subscriptions = Array.from({ length: 3 }, () => channel.subscribe({ after }));
    for (const subscription of subscriptions) subscription.onReadable(() => undefined);
    const batches = subscriptions.map((subscription) => subscription.take());
    expect(new Set(batches).size).toBe(1);
    expect(batches[0]?.text).toBe(one?.text);
  });

  it('have a maximum size, so that a slow reader keeps no more than that in memory', async () => {
    const channel = new Channels().channel<string>('a');
    const many = channel.subscribe();
    await channel.publish(Array.from({ length: 600 }, () => 'x'));
    expect([many.take()?.size, many.take()?.size, many.take()?.size, many.take()]).toEqual([
      256,
      256,
      88,
      undefined,
    ]);
    await channel.publish(Array.from({ length: 10 }, () => 'x'.repeat(30_000)));
    await turn();
    const sizes = [many.take()?.byteLength ?? 0, many.take()?.byteLength ?? 0];
    expect(sizes.every((size) => size > BATCH_LIMIT.bytes && size < BATCH_LIMIT.bytes + 30_100)).toBe(true);
  });

  it('cache the result of derive() for the same function', async () => {
    const channel = new Channels().channel<string>('a');
    const [one, two] = [follow(channel.subscribe()), follow(channel.subscribe())];
    await channel.publish('x');
    await turn();
    const make = jest.fn(({ bytes }: EventBatch) => bytes.length);
    expect(one[0]?.derive(make)).toBe(two[0]?.bytes.length);
    expect(two[0]?.derive(make)).toBe(one[0]?.bytes.length);
    expect(make).toHaveBeenCalledTimes(1);
    expect(one[0]?.derive(() => 'other')).toBe('other');
  });

  it('continue after next(), and next() continues after them', async () => {
    const channel = new Channels().channel<number>('a');
    const subscription = channel.subscribe();
    await channel.publish([1, 2, 3]);
    expect((await subscription.next()).value?.data).toBe(1);
    const rest = subscription.take();
    expect([rest?.event(0)?.data, rest?.event(1)?.data, rest?.event(2)]).toEqual([2, 3, undefined]);
    await channel.publish(4);
    await turn();
    expect((await subscription.next()).value?.data).toBe(4);
  });

  it('do not keep events that the log has evicted', async () => {
    const log = memoryLog({ maxEvents: 1 });
    const channel = new Channels({ log }).channel<string>('a');
    const batches = follow(channel.subscribe());
    await channel.publish('first');
    await turn();
    expect(batches.length).toBe(1);
    const feed = [
      ...(channel as unknown as { feeds: { feeds: Map<string, object> } }).feeds.feeds.values(),
    ][0];
    expect(feed).toMatchObject({ current: undefined });
  });
});
