import { getEventListeners } from 'node:events';
import { jest } from '@jest/globals';
import { ChannelSource, type BatchSink } from './channel.source.js';
import { Channels } from './channels.js';
import type { EventBatch } from './event-batch.js';
import { ChannelSubscription } from './subscription.js';
import { WaitingReader, type MakeReader } from './waiting-reader.js';

const turn = () => new Promise(setImmediate);
const DONE = { value: undefined, done: true };

describe('a subscription to a channel that is not known yet', () => {
  let channels: Channels;
  let found: (make: MakeReader) => void;
  let failed: (error: unknown) => void;
  let stop: jest.Mock<() => void>;
  let start: jest.Mock<(found: (make: MakeReader) => void, failed: (error: unknown) => void) => () => void>;

  beforeEach(() => {
    channels = new Channels();
    stop = jest.fn();
    start = jest.fn((...functions) => {
      [found, failed] = functions;
      return stop;
    });
  });
  afterEach(() => channels.close());

  const waiting = (signal?: AbortSignal) =>
    new ChannelSubscription((owner) => new WaitingReader({ signal, start }, owner));
  /** The reader of channel `a`, from its oldest event. */
  const reader = (signal?: AbortSignal): MakeReader => channels.reader('a', { from: 'oldest', signal });

  it('starts to wait on its first use, once', async () => {
    const subscription = waiting();
    expect([start.mock.calls.length, subscription.ended]).toEqual([0, false]);
    const parked = [subscription.next(), subscription.next()];
    await subscription.ready;
    expect(subscription.take()).toBeUndefined();
    expect([start.mock.calls.length, subscription.cursor, subscription.ended]).toEqual([1, undefined, false]);
    await subscription.return();
    expect(await Promise.all(parked)).toEqual([DONE, DONE]);
  });

  it('gets the events of the channel, from the beginning, once the channel is known', async () => {
    await channels.channel('a').publish(['one', 'two']);
    const subscription = waiting();
    const parked = subscription.next();
    await turn();
    found(reader());
    expect((await parked).value?.data).toBe('one');
    expect((await subscription.next()).value?.data).toBe('two');
    const id = await channels.channel('a').publish('three');
    expect((await subscription.next()).value?.data).toBe('three');
    expect([subscription.cursor, subscription.ended, channels.channel('a').size()]).toEqual([id, false, 1]);
    expect(stop).toHaveBeenCalledTimes(1);
    await subscription.return();
    expect([subscription.ended, channels.channel('a').size(), stop.mock.calls.length]).toEqual([true, 0, 1]);
  });

  it('stops waiting if the channel is known immediately', async () => {
    await channels.channel('a').publish('one');
    start.mockImplementation((known) => {
      known(reader());
      return stop;
    });
    expect((await waiting().next()).value?.data).toBe('one');
    expect(stop).toHaveBeenCalledTimes(1);
  });

  it('stops waiting if no channel can be known, which is an error', async () => {
    start.mockImplementation((_found, fail) => {
      fail(new Error('unknown'));
      return stop;
    });
    await expect(waiting().next()).rejects.toThrow('unknown');
    expect(stop).toHaveBeenCalledTimes(1);
  });

  it('fails once with the error of the wait, and has ended then', async () => {
    const iterated = waiting();
    const parked = iterated.next();
    failed(new Error('broken'));
    await expect(parked).rejects.toThrow('broken');
    expect([await iterated.next(), iterated.ended]).toEqual([DONE, true]);
    const batched = waiting();
    const readable = jest.fn();
    batched.onReadable(readable);
    batched.take();
    failed(new Error('broken'));
    expect([batched.ended, readable.mock.calls.length, stop.mock.calls.length]).toEqual([true, 1, 2]);
    expect(() => batched.take()).toThrow('broken');
    expect(batched.take()).toBeUndefined();
  });

  it('has ended without an error if it was closed before the wait failed', async () => {
    const subscription = waiting();
    const parked = subscription.next();
    subscription.close();
    failed(new Error('late'));
    expect([await parked, await subscription.next(), subscription.take()]).toEqual([DONE, DONE, undefined]);
  });

  it('does not read a channel that is found after it was closed', async () => {
    const subscription = waiting();
    const parked = subscription.next();
    subscription.close();
    subscription.close();
    const make = jest.fn(reader());
    found(make);
    expect(await parked).toEqual(DONE);
    expect([make.mock.calls.length, stop.mock.calls.length, subscription.ended]).toEqual([0, 1, true]);
  });

  it('does not wait after it was closed', async () => {
    const subscription = waiting();
    subscription.close();
    expect([subscription.ended, await subscription.next()]).toEqual([true, DONE]);
    expect(channels.list()).toEqual([]);
  });

  it('reports an error of its consumer that occurs when the channel is known', async () => {
    await channels.channel('a').publish('one');
    const subscription = waiting();
    subscription.onReadable(() => {
      throw new Error('of the consumer');
    });
    subscription.take();
    try {
      found(reader());
    } catch (error) {
      failed(error);
    }
    expect(subscription.ended).toBe(true);
    expect(() => subscription.take()).toThrow('of the consumer');
  });

  it.each(['before', 'after'])('ends when its signal aborts %s the channel is known', async (when) => {
    const { signal, abort } = controller();
    const subscription = waiting(signal);
    const parked = subscription.next();
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    if (when === 'after') found(reader(signal));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    abort();
    expect(await parked).toEqual(DONE);
    expect([subscription.ended, stop.mock.calls.length]).toEqual([true, 1]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(channels.list()).toEqual([]);
  });

  it('drops events that were not returned when its signal aborts', async () => {
    await channels.channel('a').publish(['one', 'two']);
    const { signal, abort } = controller();
    const subscription = waiting(signal);
    subscription.take();
    found(reader(signal));
    expect((await subscription.next()).value?.data).toBe('one');
    abort();
    expect([await subscription.next(), subscription.take()]).toEqual([DONE, undefined]);
  });

  it('has ended without a wait if its signal was aborted before', async () => {
    const subscription = waiting(AbortSignal.abort());
    expect(await subscription.next()).toEqual(DONE);
    expect([subscription.ended, start.mock.calls.length]).toEqual([true, 0]);
  });

  it('notifies its owner once when it ends', () => {
    const notify = jest.fn();
    const made = new WaitingReader({ signal: undefined, start }, { notify, teardownFailed: jest.fn() });
    made.begin();
    made.end();
    made.end();
    expect(notify).toHaveBeenCalledTimes(1);
  });

  it('is not ended by giveUp() while it waits', async () => {
    await channels.channel('a').publish('one');
    const subscription = waiting();
    const parked = subscription.next();
    subscription.giveUp();
    found(reader());
    subscription.giveUp();
    expect((await parked).value?.data).toBe('one');
    await subscription.return();
  });

  it.each([
    ['gap', undefined, undefined],
    ['lost', 'lost', undefined],
    ['own', 'lost', 'own'],
  ])('reports a gap as %p if the channels say %p and the reader says %p', async (type, gap, own) => {
    const those = new Channels({ gap });
    const subscription = waiting();
    const parked = subscription.next();
    found(those.reader('a', { after: 'forged', gap: own }));
    await those.channel('a').publish('one');
    expect((await parked).value).toMatchObject({ type, data: { requested: 'forged' } });
    expect(those.list()).toEqual([{ name: 'a', size: 1 }]);
    await those.close();
  });

  it('passes batches to its consumer once the channel is known', async () => {
    const texts: string[] = [];
    const unused = () => {
      throw new Error('not called');
    };
    const take = (batch: EventBatch) => void texts.push(batch.text.replace(/^id: .*\n/gm, ''));
    const sink: BatchSink = {
      batches: { ready: true, batch: take, join: take },
      next: unused,
      error: unused,
      complete: () => texts.push('end'),
    };
    const demand = { ready: true, ended: false, whenReady: () => Promise.resolve() };
    const running = new ChannelSource(waiting()).open(sink, demand);
    await channels.channel('a').publish('one');
    found(reader());
    await channels.channel('a').publish(['two', 'three']);
    await turn();
    expect(texts).toEqual(['data: one\n\n', 'data: two\n\ndata: three\n\n']);
    await channels.close();
    expect(texts.slice(2)).toEqual(['end']);
    running.unsubscribe();
  });
});

function controller(): { signal: AbortSignal; abort: () => void } {
  const made = new AbortController();
  return { signal: made.signal, abort: () => made.abort() };
}
