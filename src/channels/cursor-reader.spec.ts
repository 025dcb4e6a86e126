import { getEventListeners } from 'node:events';
import { SseError, type Channel, type EventLog, type SseEvent } from 'nestjs-event-stream';
import { memoryLog } from '../log/memory-log.js';
import { Channels } from './channels.js';
import type { EventBatch } from './event-batch.js';
import type { ChannelSubscription } from './subscription.js';

const turns = async (count = 4) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

function eventsOf(batch: EventBatch): SseEvent[] {
  return Array.from({ length: batch.size }, (_, i) => batch.event(i)!);
}

/** The available events: a type and data, or only data. */
function taken(subscription: ChannelSubscription): unknown[] {
  const seen: unknown[] = [];
  for (let batch = subscription.take(); batch; batch = subscription.take()) {
    for (const { type, data } of eventsOf(batch)) seen.push(type === undefined ? data : [type, data]);
  }
  return seen;
}

/** A consumer that keeps the data that it is given. */
class Consumer {
  ready = true;
  readonly given: unknown[] = [];

  join(batch: EventBatch): void {
    this.batch(batch);
  }
  batch(batch: EventBatch): void {
    this.given.push(...eventsOf(batch).map(({ data }) => data));
  }
}

/** Publishes 1 to 20, which another reader reads one by one, so that no batch of them is shared any more. */
async function evictAll(channel: Channel): Promise<void> {
  const other = channel.subscribe();
  for (let i = 1; i <= 20; i++) {
    await channel.publish(String(i));
    await turns();
    expect(taken(other)).toEqual([String(i)]);
  }
  other.close();
}

/** A memory log whose reads are answered by the test. `wake()` is the call of a listener. */
class RemoteLog {
  reads: { answer(): void; fail(error: Error): void }[] = [];
  wake: () => void = () => undefined;
  readonly log: EventLog;

  constructor(private readonly memory = memoryLog()) {
    this.log = Object.assign(Object.create(memory) as EventLog, {
      append: memory.append.bind(memory),
      tail: memory.tail.bind(memory),
      watch: (channels: readonly string[], listener: (changed: readonly string[]) => void) => {
        this.wake = () => listener(channels);
        return () => undefined;
      },
      read: (...args: Parameters<EventLog['read']>) =>
        new Promise((resolve, reject) => {
          this.reads.push({ answer: () => resolve(memory.read(...args)), fail: reject });
        }),
    });
  }
}

const outage = () => new SseError('SSE_LOG_UNAVAILABLE', 'The network is down.');

describe('a reader whose log is unavailable', () => {
  it('reads again if the log was back before a read failed, and otherwise waits for it', async () => {
    const remote = new RemoteLog();
    const channels = new Channels({ log: remote.log });
    const subscription = channels.channel('a').subscribe({ from: 'oldest' });
    const next = subscription.next();
    expect(remote.reads).toHaveLength(1);
    remote.reads[0]?.fail(outage());
    await turns();
    expect(remote.reads).toHaveLength(1);
    remote.wake();
    expect(remote.reads).toHaveLength(2);
    await channels.channel('a').publish(1);
    remote.wake();
    expect(remote.reads).toHaveLength(2);
    remote.reads[1]?.fail(outage());
    await turns();
    expect(remote.reads).toHaveLength(3);
    remote.reads[2]?.answer();
    expect((await next).value?.data).toBe(1);
    await subscription.return();
  });

  it('does not call its owner after its end', async () => {
    const remote = new RemoteLog();
    const subscription = new Channels({ log: remote.log }).channel('a').subscribe({ from: 'oldest' });
    expect(subscription.take()).toBe(undefined);
    subscription.close();
    let calls = 0;
    subscription.onReadable(() => calls++);
    remote.reads[0]?.answer();
    await turns();
    expect(calls).toBe(0);
  });
});

describe('readers of a log that gives each of them another position of the same end', () => {
  it('read once each, and not again when another one has read', async () => {
    const memory = memoryLog();
    let positions = 0;
    let reads = 0;
    const log: EventLog = Object.assign(Object.create(memory), {
      watch: memory.watch.bind(memory),
      tail: async () => `z-${positions++}`,
      read: async (channel: string, after: string) => {
        reads++;
        await turns();
        if (reads > 1000) throw new Error('endless');
        return { entries: [], from: after, gap: false, more: false };
      },
    });
    const channels = new Channels({ log });
    const all = Array.from({ length: 20 }, () => channels.channel('a').subscribe());
    const pending = all.map((subscription) => subscription.next());
    for (let i = 0; i < 50; i++) await turns();
    expect(reads).toBe(20);
    for (const subscription of all) await subscription.return();
    await Promise.all(pending);
  });
});

describe('a reader', () => {
  it('leaves no listener on its signal', async () => {
    const { signal } = new AbortController();
    const subscription = new Channels().channel('a').subscribe({ signal });
    subscription.take();
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    subscription.close();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('that has fallen behind reports the last event that its consumer got, and not its first cursor', async () => {
    const channels = new Channels({ log: memoryLog({ maxEvents: 2 }) });
    const channel = channels.channel('a');
    const after = await channel.publish('0');
    const subscription = channel.subscribe({ after });
    const consumer = new Consumer();
    expect(subscription.take()).toBe(undefined);
    subscription.follow(consumer);
    const requested = await channel.publish('1');
    await turns();
    expect(consumer.given).toEqual(['1']);
    consumer.ready = false;
    await evictAll(channel);
    expect(taken(subscription)).toEqual([['gap', { requested, oldest: expect.any(String) }], '19', '20']);
    await channels.close();
  });

  it('that follows and has read nothing reports the cursor of the client', async () => {
    const channels = new Channels({ log: memoryLog({ maxEvents: 2 }) });
    const channel = channels.channel('a');
    const after = await channel.publish('0');
    const subscription = channel.subscribe({ after });
    const consumer = new Consumer();
    subscription.take();
    subscription.follow(consumer);
    consumer.ready = false;
    await evictAll(channel);
    expect(taken(subscription)).toEqual([
      ['gap', { requested: after, oldest: expect.any(String) }],
      '19',
      '20',
    ]);
    await channels.close();
  });
});

describe('a reader with a snapshot', () => {
  it('sends it to a client whose cursor has no position in one of the channels', async () => {
    const channels = new Channels();
    const one = await channels.channel('a').publish(1);
    await channels.channel('b').publish(2);
    const both = channels.subscribe(['a', 'b'], { from: 'oldest' });
    expect(taken(both)).toEqual([1, 2]);
    const reasons: string[] = [];
    const resumed = (after: string | undefined) =>
      taken(channels.subscribe(['a', 'b'], { after, snapshot: ({ reason }) => void reasons.push(reason) }));
    expect([resumed(one), resumed(both.cursor)]).toEqual([[], []]);
    expect(reasons).toEqual(['start']);
    await channels.close();
  });

  it('is not given up while only the snapshot takes long', async () => {
    const channels = new Channels();
    let finish: (value: string) => void = () => undefined;
    const subscription = channels.channel('a').subscribe({
      snapshot: () => new Promise<string>((resolve) => (finish = resolve)),
    });
    expect(taken(subscription)).toEqual([]);
    subscription.giveUp();
    finish('state');
    await turns();
    expect([subscription.ended, taken(subscription)]).toEqual([false, ['state']]);
    await channels.close();
  });

  it('is given up while the log has not answered', async () => {
    const remote = new RemoteLog();
    remote.log.tail = () => new Promise(() => undefined);
    const subscription = new Channels({ log: remote.log })
      .channel('a')
      .subscribe({ snapshot: () => 'state' });
    expect(taken(subscription)).toEqual([]);
    subscription.giveUp();
    expect(() => subscription.take()).toThrow(expect.objectContaining({ code: 'SSE_LOG_UNAVAILABLE' }));
  });

  it('takes it for the next gap after one that had to be reported', async () => {
    const channels = new Channels({ log: memoryLog({ maxEvents: 2 }) });
    const channel = channels.channel('a');
    let isLate = true;
    let calls = 0;
    const subscription = channel.subscribe({
      snapshot: async () => {
        calls++;
        if (isLate) await channel.publish(['x', 'x', 'x']);
        return 'state';
      },
    });
    const seen: unknown[] = [];
    const take = async () => {
      for (let i = 0; i < 8; i++) {
        seen.push(...taken(subscription));
        await turns();
      }
    };
    await take();
    expect(seen.splice(0)).toEqual([['gap', expect.anything()], 'x', 'x']);
    isLate = false;
    for (let i = 1; i <= 20; i++) await channel.publish(String(i));
    await take();
    expect([seen, calls]).toEqual([['state'], 4]);
    await channels.close();
  });
});
