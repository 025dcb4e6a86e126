import { jest } from '@jest/globals';
import fc from 'fast-check';
import { DelayedLog } from '../../test/contract/delayed-log.js';
import { SseError } from '../errors/sse.errors.js';
import { deliveries } from '../time/slices.js';
import { ChannelSource, type BatchSink } from './channel.source.js';
import { Channels } from './channels.js';
import type { EventBatch } from './event-batch.js';
import { GatedLog } from '../../test/contract/gated-log.js';
import type { EventLog } from '../log/event-log.js';
import { memoryLog } from '../log/memory-log.js';
import type { ChannelSubscription } from './subscription.js';
import type { SubscribeOptions } from './subscription.options.js';

const turn = () => new Promise(setImmediate);
/** The log announces new events at the end of a tick. */
const tick = () => new Promise((resolve) => process.nextTick(resolve));

/** Uses up what this turn of the event loop has room for. */
const useUp = (): void => {
  for (let i = 0; i < 2000; i++) deliveries.hasRoom();
};

/** A connection that takes batches, has room or not as a test says, and keeps the received batches. */
class Consumer implements BatchSink {
  readonly given: number[] = [];
  readonly errors: unknown[] = [];
  room = true;
  /** Each batch uses up its turn. */
  heavy = false;
  ended = false;
  calls = 0;
  onBatch: (() => void) | undefined;
  readonly batches = this;
  readonly subscription: ChannelSubscription;
  readonly release: () => void;
  private waiting: (() => void)[] = [];

  constructor(channels: Channels, names: readonly string[], options: SubscribeOptions = {}) {
    this.subscription = channels.subscribe(names, options);
    const source = new ChannelSource(this.subscription).open(this, this);
    this.release = () => source.unsubscribe();
  }

  get ready(): boolean {
    return this.room;
  }
  whenReady(): Promise<void> {
    return this.room ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }
  join(batch: EventBatch): void {
    this.batch(batch);
  }
  batch(batch: EventBatch): void {
    if (this.ended) throw new Error('given to one that has gone');
    this.calls++;
    if (this.heavy) useUp();
    for (let i = 0; i < batch.size; i++) this.given.push(batch.event(i)?.data as number);
    this.onBatch?.();
  }
  next(): void {
    throw new Error('not event by event');
  }
  error(error: unknown): void {
    this.errors.push(error);
  }
  complete(): void {
    this.ended = true;
  }
  makeRoom(): void {
    this.room = true;
    for (const resolve of this.waiting.splice(0)) resolve();
  }
  leave(): void {
    this.ended = true;
    this.release();
  }
}

const upTo = (count: number, from = 1): number[] =>
  Array.from({ length: Math.max(0, count - from + 1) }, (_, i) => from + i);

describe('live readers', () => {
  let channels: Channels;
  let published = 0;
  const publish = async (): Promise<void> => {
    await channels.channel('a').publish(++published);
    await turn();
  };
  beforeEach(() => {
    published = 0;
    channels = new Channels({ log: memoryLog() });
  });
  afterEach(async () => {
    await channels.close();
  });

  it('receive each batch once', async () => {
    const all = upTo(3).map(() => new Consumer(channels, ['a']));
    for (let i = 0; i < 5; i++) await publish();
    for (const { given, calls } of all) expect([given, calls]).toEqual([upTo(5), 5]);
  });

  it('fall behind if their consumer is not ready, catch up, and become live again', async () => {
    const [slow, quick] = [new Consumer(channels, ['a']), new Consumer(channels, ['a'])];
    await publish();
    slow.room = false;
    for (let i = 0; i < 3; i++) await publish();
    expect([slow.given, quick.given]).toEqual([upTo(1), upTo(4)]);
    slow.makeRoom();
    await turn();
    await publish();
    expect([slow.given, quick.given]).toEqual([upTo(5), upTo(5)]);
  });

  it('can leave during a delivery, and can end other readers', async () => {
    const [first, second, third] = upTo(3).map(() => new Consumer(channels, ['a'])) as [
      Consumer,
      Consumer,
      Consumer,
    ];
    first.onBatch = () => third.leave();
    second.onBatch = () => second.leave();
    await publish();
    await publish();
    expect([first.given, second.given, third.given]).toEqual([[1, 2], [1], []]);
    expect(channels.channel('a').size()).toBe(1);
  });

  it('have a cursor after the last event that they received', async () => {
    const [gone, here] = [new Consumer(channels, ['a']), new Consumer(channels, ['a'])];
    await publish();
    gone.leave();
    await publish();
    await publish();
    expect(here.given).toEqual(upTo(3));
    const after = gone.subscription.cursor;
    expect(new Consumer(channels, ['a'], { after } as SubscribeOptions).given).toEqual([2, 3]);
  });

  it('have the right cursor if they are ended during a delivery', async () => {
    const all = upTo(3).map(() => new Consumer(channels, ['a'])) as [Consumer, Consumer, Consumer];
    const [before, middle, after] = all;
    await publish();
    middle.onBatch = () => all.forEach((consumer) => consumer.leave());
    await publish();
    await publish();
    expect([before.given, middle.given, after.given]).toEqual([[1, 2], [1, 2], [1]]);
    for (const { given, subscription } of all) {
      const options = { after: subscription.cursor } as SubscribeOptions;
      expect([...given, ...new Consumer(channels, ['a'], options).given]).toEqual(upTo(3));
    }
  });

  it('do not receive a batch whose delivery began before they were added', async () => {
    const late: Consumer[] = [];
    const first = new Consumer(channels, ['a']);
    first.onBatch = () => late.push(new Consumer(channels, ['a']));
    await publish();
    await publish();
    expect(first.given).toEqual([1, 2]);
    expect(late.map(({ given }) => given)).toEqual([[2], []]);
  });

  it('receive their batch if another consumer throws', async () => {
    const [broken, whole] = [new Consumer(channels, ['a']), new Consumer(channels, ['a'])];
    broken.onBatch = () => {
      throw new Error('broken');
    };
    await publish();
    await publish();
    expect(whole.given).toEqual([1, 2]);
    expect([broken.calls, channels.channel('a').size()]).toEqual([1, 1]);
  });

  it('receive events that are published during a delivery after it', async () => {
    const [first, second] = [new Consumer(channels, ['a']), new Consumer(channels, ['a'])];
    first.onBatch = () => {
      if (published < 4) void channels.channel('a').publish(++published);
    };
    await publish();
    await turn();
    expect([first.given, second.given]).toEqual([upTo(4), upTo(4)]);
  });

  it('that are not ready leave no unhandled rejection during an outage, and continue after it', async () => {
    const log = memoryLog();
    channels = new Channels({ log });
    const consumer = new Consumer(channels, ['a']);
    await publish();
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const away = new SseError('SSE_LOG_UNAVAILABLE', 'away');
    const read = jest.spyOn(log as EventLog, 'read').mockImplementation(() => Promise.reject(away));
    consumer.room = false;
    await publish();
    await turn();
    expect(read).toHaveBeenCalled();
    read.mockRestore();
    consumer.makeRoom();
    await turn();
    await publish();
    process.off('unhandledRejection', note);
    expect([consumer.given, unhandled]).toEqual([upTo(3), []]);
  });

  it('receive an event in several turns, in order, and others that were published meanwhile after it', async () => {
    const all = upTo(5).map(() => new Consumer(channels, ['a']));
    for (const consumer of all) consumer.heavy = true;
    await channels.channel('a').publish([++published, ++published]);
    await tick();
    expect(all.map(({ given }) => given.length)).toEqual([2, 0, 0, 0, 0]);
    await turn();
    expect(all.map(({ given }) => given.length)).toEqual([2, 2, 0, 0, 0]);
    void channels.channel('a').publish(++published);
    for (let i = 0; i < 10; i++) await turn();
    for (const { given } of all) expect(given).toEqual(upTo(3));
  });

  it('can leave, join and fall behind between the turns of a delivery', async () => {
    const all = upTo(5).map(() => new Consumer(channels, ['a']));
    for (const consumer of all) consumer.heavy = true;
    await publish();
    for (let i = 0; i < 10; i++) await turn();
    await channels.channel('a').publish(++published);
    await tick();
    const [served, leaving, slow, last] = all as [Consumer, Consumer, Consumer, Consumer];
    const late = new Consumer(channels, ['a']);
    const again = served.subscription.cursor;
    leaving.leave();
    slow.room = false;
    for (let i = 0; i < 10; i++) await turn();
    slow.makeRoom();
    await turn();
    await publish();
    for (let i = 0; i < 10; i++) await turn();
    expect([served.given, leaving.given, slow.given, last.given, late.given]).toEqual([
      [1, 2, 3],
      [1],
      [1, 2, 3],
      [1, 2, 3],
      [3],
    ]);
    const { cursor } = leaving.subscription;
    const rest = [cursor, again].map((after) => new Consumer(channels, ['a'], { after } as SubscribeOptions));
    expect(rest.map(({ given }) => given)).toEqual([[2, 3], [3]]);
  });

  it('receive everything that was published before their channels close', async () => {
    const all = upTo(5).map(() => new Consumer(channels, ['a']));
    for (const consumer of all) consumer.heavy = true;
    await channels.channel('a').publish(++published);
    await tick();
    expect(all.map(({ given }) => given.length)).toEqual([1, 0, 0, 0, 0]);
    await channels.close();
    for (const { given, ended } of all) expect([given, ended]).toEqual([[1], true]);
  });

  it('are notified of the end', async () => {
    const consumer = new Consumer(channels, ['a']);
    await publish();
    await channels.close();
    expect([consumer.given, consumer.ended]).toEqual([[1], true]);
  });
});

type Step = {
  kind: 'publish' | 'room' | 'full' | 'turn' | 'join' | 'leave' | 'filter' | 'heavy' | 'busy';
  who: number;
};

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom(
      'publish',
      'publish',
      'room',
      'full',
      'turn',
      'turn',
      'join',
      'leave',
      'filter',
      'heavy',
      'busy',
    ),
    who: fc.nat(7),
  }) as fc.Arbitrary<Step>,
  { maxLength: 80 },
);

describe.each<[string, () => EventLog]>([
  ['in memory', () => memoryLog()],
  ['that answers later', () => new DelayedLog(memoryLog(), 1)],
])('with a log %s', (_name, makeLog) => {
  it('receive every event once, in order, for any sequence of joining, leaving and backpressure', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const channels = new Channels({ log: makeLog() });
        const here: { consumer: Consumer; even: boolean }[] = [];
        let published = 0;
        for (const { kind, who } of given) {
          const chosen = here[who % (here.length || 1)]?.consumer;
          if (kind === 'publish') void channels.channel('a').publish(++published);
          else if (kind === 'room') chosen?.makeRoom();
          else if (kind === 'full' && chosen) chosen.room = false;
          else if (kind === 'leave') here.splice(who % (here.length || 1), 1)[0]?.consumer.leave();
          else if (kind === 'turn') await turn();
          else if (kind === 'busy') useUp();
          else if (kind === 'heavy' && chosen) chosen.heavy = !chosen.heavy;
          else if (kind === 'heavy') continue;
          else {
            const even = kind === 'filter';
            const filter = even ? ({ data }: { data: unknown }) => (data as number) % 2 === 0 : undefined;
            // From the start, so that the expected events of each are known.
            const options = { from: 'oldest', ...(filter && { filter }) } as SubscribeOptions;
            here.push({ consumer: new Consumer(channels, ['a'], options), even });
          }
        }
        for (const { consumer } of here) consumer.makeRoom();
        for (let i = 0; i < 200 && here.some(({ consumer }) => consumer.given.at(-1) !== published); i++)
          await turn();
        for (const { consumer, even } of here) {
          expect(consumer.given).toEqual(upTo(published).filter((n) => !even || n % 2 === 0));
          expect(consumer.errors).toEqual([]);
          consumer.leave();
        }
        expect(channels.channel('a').size()).toBe(0);
        await channels.close();
      }),
      { numRuns: 150 },
    );
  });
});

describe('a read that began before the newest event was announced', () => {
  const turns = async (count = 20): Promise<void> => {
    for (let i = 0; i < count; i++) await turn();
  };

  it('is not taken for the newest end by a reader that joins later', async () => {
    const gate = new GatedLog(memoryLog());
    const channels = new Channels({ log: gate.log });
    const [first, second] = [channels.channel('a').subscribe(), channels.channel('a').subscribe()];
    await turns();
    gate.closed = true;
    const one = first.next();
    await turns();
    await channels.channel('a').publish(1);
    await turns();
    const two = second.next();
    await turns();
    gate.open();
    await turns();
    const seen = await Promise.all([one, two].map((next) => Promise.race([next, turns()])));
    expect(seen.map((result) => result?.value?.data)).toEqual([1, 1]);
    await channels.close();
  });

  it('is not taken for the newest end after a delivery of several turns', async () => {
    const gate = new GatedLog(memoryLog());
    const channels = new Channels({ log: gate.log });
    const all = upTo(20).map(() => new Consumer(channels, ['a']));
    await turns();
    for (const consumer of all) consumer.heavy = true;
    gate.closed = true;
    void channels.channel('a').publish(1);
    await turns(2);
    // Of an event that the pending read has already, or after a reconnect.
    gate.announce(['a']);
    gate.open();
    while (all[0]?.given.length === 0) await turn();
    const late = channels.channel('a').subscribe();
    gate.closed = true;
    const next = late.next();
    await turns(2);
    await channels.channel('a').publish(2);
    await turns(60);
    gate.open();
    await turns(100);
    expect((await next).value).toMatchObject({ data: 2 });
    for (const { given } of all) expect(given).toEqual([1, 2]);
    await channels.close();
  });
});

describe('an event for very many subscriptions', () => {
  const COUNT = 4000;

  it.each<[string, () => EventLog, SubscribeOptions]>([
    ['that share their position', () => memoryLog(), {}],
    ['with a filter', () => memoryLog(), { filter: () => true }],
    ['of a log that answers later', () => new DelayedLog(memoryLog(), 1), {}],
    [
      'with a filter, of a log that answers later',
      () => new DelayedLog(memoryLog(), 1),
      { filter: () => true },
    ],
  ])('%s is delivered in slices, to each once', async (_, makeLog, options) => {
    const log = makeLog();
    const read = jest.spyOn(log, 'read');
    const channels = new Channels({ log });
    const all = upTo(COUNT).map(() => new Consumer(channels, ['a'], options));
    for (let i = 0; i < 50; i++) await turn();
    const before = read.mock.calls.length;
    const total = (): number => all.reduce((sum, { calls }) => sum + calls, 0);
    void channels.channel('a').publish(1);
    const seen = [total()];
    while (seen.at(-1) !== COUNT) {
      await turn();
      seen.push(total());
    }
    const perTurn = seen.map((count, i) => count - (seen[i - 1] ?? 0));
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(1024 + 64);
    for (const { given } of all) expect(given).toEqual([1]);
    // One for all, and one that finds the end.
    expect(read.mock.calls.length - before).toBeLessThanOrEqual(2);
    await channels.close();
  });
});
