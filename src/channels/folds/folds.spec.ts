import { concat, event, latest, memoryLog, type ChannelSubscription, type Fold } from 'nestjs-event-stream';
import { DelayedLog } from '../../../test/contract/delayed-log.js';
import { FAILING_CALLS } from '../../../test/fixtures/failing-calls.js';
import { THROWN } from '../../../test/fixtures/hostile-errors.js';
import { ManualClock } from '../../../test/fixtures/manual-clock.js';
import { Channels } from '../channels.js';

const turns = async (count = 30) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

/** Everything that arrives within some turns, as the type or data of each event. */
async function taken(subscription: ChannelSubscription): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (let i = 0; i < 8; i++) {
    for (let batch = subscription.take(); batch; batch = subscription.take()) {
      for (let n = 0; n < batch.size; n++) {
        const { type, data } = batch.event(n)!;
        seen.push(type === undefined ? data : [type, data]);
      }
    }
    await turns(8);
  }
  return seen;
}

const sum: Fold<{ sum: number }, number> = {
  initial: { sum: 0 },
  step: (state, { data }) => ({ sum: state.sum + data }),
  toEvents: (state) => (state.sum === 0 ? undefined : event({ type: 'sum', data: state.sum })),
  every: 10,
};

function lines() {
  const warnings: string[] = [];
  return { warnings, logger: { log: () => undefined, warn: (line: string) => void warnings.push(line) } };
}

/** A function of an application that does not follow its type. */
const asynchronous = (async () => {
  throw new Error('too late');
}) as never;

describe('a channel with a fold', () => {
  it('keeps the states of names and versions with dots apart', async () => {
    const log = memoryLog();
    const channels = new Channels({ log, clock: new ManualClock() });
    for (const [name, version, start] of [
      ['a', '1.2', 100],
      ['a.1', '2', 1000],
    ] as const) {
      const fold = { ...sum, name, version, every: 1, initial: { sum: start } };
      const channel = channels.channel<number>('dots', { fold });
      await channel.publish(1);
      await taken(channel.subscribe());
    }
    const stored = await Promise.all(['a@1.2', 'a.1@2'].map((key) => log.snapshots.read('dots', key)));
    expect(stored.map((state) => state !== undefined)).toEqual([true, true]);
    await channels.close();
  });

  it('sends the state and then the events, although the first of them are evicted', async () => {
    const channels = new Channels({ log: memoryLog({ maxEvents: 5 }), clock: new ManualClock() });
    const channel = channels.channel<number>('a', { fold: sum });
    for (let i = 1; i <= 40; i++) await channel.publish(i);
    const subscription = channel.subscribe();
    expect(await taken(subscription)).toEqual([['sum', 820]]);
    await channel.publish(5);
    expect(await taken(subscription)).toEqual([5]);
    const resumed = channel.subscribe({ after: subscription.cursor });
    expect(await taken(resumed)).toEqual([]);
    expect(await taken(channel.subscribe())).toEqual([['sum', 825]]);
    await channels.close();
  });

  it('sends the state instead of a gap', async () => {
    const channels = new Channels({ log: memoryLog({ maxEvents: 5 }), clock: new ManualClock() });
    const channel = channels.channel<number>('a', { fold: sum });
    const after = await channel.publish(1);
    for (let i = 0; i < 20; i++) await channel.publish(1);
    expect(await taken(channel.subscribe({ after }))).toEqual([['sum', 21]]);
    expect(await taken(channel.subscribe({ after, fold: false }))).toEqual([
      ['gap', expect.anything()],
      1,
      1,
      1,
      1,
      1,
    ]);
    await channels.close();
  });

  it('continues on another node, and after the first one has died', async () => {
    const clock = new ManualClock();
    const log = memoryLog({ maxEvents: 100 });
    const wires = [1, 2, 3].map((seed) => new DelayedLog(log, seed));
    const nodes = wires.map((wire) => new Channels({ log: wire, clock }));
    const [first, second, third] = nodes.map((node) => node.channel<number>('a', { fold: sum })) as [
      ReturnType<(typeof nodes)[0]['channel']>,
      ReturnType<(typeof nodes)[0]['channel']>,
      ReturnType<(typeof nodes)[0]['channel']>,
    ];
    for (let i = 0; i < 60; i++) await first.publish(1);
    await turns();
    wires[0]!.cut();
    for (let i = 0; i < 300; i++) {
      await second.publish(1);
      if (i % 10 === 0) await turns(4);
    }
    await turns();
    expect(await taken(third.subscribe())).toEqual([['sum', 360]]);
    wires[0]!.mend();
    await turns();
    for (const node of nodes) await node.close();
  });

  it('reports an event that cannot be folded, and keeps the state before it', async () => {
    const { warnings, logger } = lines();
    const clock = new ManualClock();
    const channels = new Channels({ log: memoryLog({ maxEvents: 5 }), clock, logger });
    const fold: Fold<{ sum: number }, number> = {
      ...sum,
      step: (state, given) => {
        state.sum += given.data;
        if (given.data === 3) throw new RangeError('three');
        return state;
      },
    };
    const channel = channels.channel<number>('a', { fold });
    await channel.publish(1);
    await channel.publish(2);
    await channel.publish(3);
    await channel.publish(4);
    expect(await taken(channel.subscribe())).toEqual([['sum', 3], 3, 4]);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^step\(\) of the fold "fold@1" failed with the event "[^"]+" of the channel "a"\. .* three$/,
      ),
    ]);
    // The events after the state are evicted one after the other.
    for (const value of [5, 6, 7, 8, 9, 10]) await channel.publish(value);
    const seen = await taken(channel.subscribe());
    expect(seen.slice(-6)).toEqual([['gap', expect.anything()], 6, 7, 8, 9, 10]);
    expect(warnings).toHaveLength(1);
    await channels.close();
  });

  it('reports the position of the state that was sent if the events after it are evicted', async () => {
    const channels = new Channels({ log: memoryLog({ maxEvents: 5 }), clock: new ManualClock() });
    const step: Fold<{ sum: number }, number>['step'] = (state, given) => {
      if (given.data === 3) throw new RangeError('three');
      return sum.step(state, given);
    };
    const channel = channels.channel<number>('a', { fold: { ...sum, step } });
    const after = await channel.publish(1);
    for (let i = 0; i < 9; i++) await channel.publish(1);
    const subscription = channel.subscribe({ after });
    expect(await taken(subscription)).toEqual([['sum', 10]]);
    const { cursor } = subscription;
    for (const value of [3, 4, 5, 6, 7, 8]) await channel.publish(value);
    expect(await taken(subscription)).toEqual([
      ['gap', { requested: cursor, oldest: expect.any(String) }],
      ...[4, 5, 6, 7, 8],
    ]);
    await channels.close();
  });

  describe.each(Object.keys(THROWN))('whose functions throw %s', (name) => {
    const fail = (): never => {
      throw THROWN[name]?.();
    };

    it.each([0, 1])('reports the event that cannot be folded, with a delay of %d', async (delay) => {
      const { warnings, logger } = lines();
      const log = delay === 0 ? memoryLog() : new DelayedLog(memoryLog(), delay);
      const channels = new Channels({ log, clock: new ManualClock(), logger });
      const step: Fold<{ sum: number }, number>['step'] = (state, given) =>
        given.data === 3 ? fail() : sum.step(state, given);
      const channel = channels.channel<number>('a', { fold: { ...sum, step } });
      for (const value of [1, 2, 3, 4]) await channel.publish(value);
      const subscription = channel.subscribe();
      const seen: unknown[] = [];
      while (seen.length < 3) seen.push(...(await taken(subscription)));
      expect(seen).toEqual([['sum', 3], 3, 4]);
      expect(warnings).toEqual([
        expect.stringContaining('step() of the fold "fold@1" failed with the event'),
      ]);
      await channels.close();
    });

    it('reports a state that cannot be read', async () => {
      const { warnings, logger } = lines();
      const channels = new Channels({ log: memoryLog(), clock: new ManualClock(), logger });
      const state = (): { sum: number } =>
        Object.defineProperty({ sum: 7 }, 'more', { get: fail, enumerable: true });
      const channel = channels.channel<number>('a', { fold: { ...sum, every: 1, step: state } });
      await channel.publish(1);
      expect(await taken(channel.subscribe())).toEqual([['sum', 7]]);
      expect(warnings).toEqual([expect.stringContaining('cannot be stored')]);
      await channels.close();
    });
  });

  it.each(FAILING_CALLS)('goes on although the logger %s', async (_how, warn) => {
    const logger = { log: () => undefined, warn } as never;
    const channels = new Channels({ log: memoryLog(), clock: new ManualClock(), logger });
    const step = (): never => {
      throw new Error('an odd event');
    };
    const channel = channels.channel<number>('a', { fold: { ...sum, step } });
    await channel.publish(1);
    expect(await taken(channel.subscribe())).toEqual([1]);
    await channels.close();
  });

  it.each([
    ['is not plain data', () => new Map([['a', 1]]), 'cannot be stored: state is an instance of Map'],
    ['is larger than maxEventBytes', () => ({ sum: 1, more: 'x'.repeat(2000) }), 'has 2019 bytes'],
  ])(
    'reports a state that %s, and serves clients while the log has the events',
    async (_, state, message) => {
      const { warnings, logger } = lines();
      const clock = new ManualClock();
      const log = memoryLog({ maxEvents: 20, maxEventBytes: 1000 });
      const channels = new Channels({ log, clock, logger });
      const fold: Fold<unknown, number> = { ...sum, every: 2, step: state, toEvents: () => 'state' } as never;
      const channel = channels.channel<number>('a', { fold });
      for (let i = 0; i < 10; i++) await channel.publish(i);
      await turns();
      expect(warnings).toEqual([expect.stringContaining(message)]);
      expect(await log.snapshots.read('a', 'fold@1')).toBe(undefined);
      expect(await taken(channel.subscribe())).toEqual(['state']);
      await channels.close();
    },
  );

  it('does not use a state of another version, and reports the gap if it cannot begin anew', async () => {
    const log = memoryLog({ maxEvents: 5 });
    const before = new Channels({ log, clock: new ManualClock() }).channel<number>('a', { fold: sum });
    for (let i = 1; i <= 40; i++) await before.publish(i);
    await taken(before.subscribe());
    const channels = new Channels({ log, clock: new ManualClock() });
    const next = channels.channel<number>('a', { fold: { ...sum, version: 2 } });
    expect(await taken(next.subscribe())).toEqual([['gap', expect.anything()], 36, 37, 38, 39, 40]);
    const partial = channels.channel<number>('a', { fold: { ...sum, version: 3, partial: true } });
    expect(await taken(partial.subscribe())).toEqual([['sum', 190]]);
    await channels.close();
  });

  it('sends the states of several channels with one cursor', async () => {
    const channels = new Channels({ clock: new ManualClock() });
    await channels.channel('a').publish([1, 2]);
    await channels.channel('b').publish([3]);
    const subscription = channels.subscribe(['a', 'b'], { fold: sum });
    expect(await taken(subscription)).toEqual([
      ['sum', 3],
      ['sum', 3],
    ]);
    await channels.channel('b').publish(4);
    expect(await taken(subscription)).toEqual([4]);
    await channels.close();
  });

  it('sends the events without a state if one of several channels has none', async () => {
    const channels = new Channels({ log: memoryLog({ maxEvents: 2 }), clock: new ManualClock() });
    await channels.channel('a').publish([1, 2]);
    await channels.channel('b').publish([3, 4, 5]);
    expect(await taken(channels.subscribe(['a', 'b'], { fold: sum }))).toEqual([
      ['gap', expect.anything()],
      ...[1, 2, 4, 5],
    ]);
    await channels.close();
  });

  it('is rejected for a log that keeps no states, with an invalid fold, or together with a snapshot', () => {
    const { snapshots: _, ...log } = { ...memoryLog(), snapshots: undefined };
    const without = new Channels({
      log: Object.assign(Object.create(memoryLog()), log, { snapshots: undefined }),
    });
    const channels = new Channels();
    const invalid = expect.objectContaining({ code: 'SSE_INVALID_OPTIONS' });
    expect(() => without.channel('a', { fold: sum }).subscribe().take()).toThrow(invalid);
    expect(() => channels.channel('a', { fold: concat as never })).toThrow(/Call it, and pass the fold/);
    expect(() => channels.channel('a', { fold: { ...sum, every: 0 } })).toThrow(invalid);
    expect(() => channels.channel('a').subscribe({ fold: sum, snapshot: () => 1 })).toThrow(invalid);
    expect(() => channels.channel('a').subscribe({ fold: sum, from: 'oldest' })).toThrow(invalid);
  });
});

describe('the ready-made folds', () => {
  it('concat() joins texts', async () => {
    const channels = new Channels({ clock: new ManualClock() });
    const channel = channels.channel('a', { fold: concat() });
    expect(await taken(channel.subscribe())).toEqual([]);
    await channel.publish(['Hello', ', ', 'world']);
    expect(await taken(channel.subscribe())).toEqual([['snapshot', 'Hello, world']]);
    await channels.close();
  });

  it.each<[string, Fold]>([
    ['text', concat({ text: asynchronous })],
    ['key', latest({ key: asynchronous })],
    ['removes', latest({ key: () => 'a', removes: asynchronous })],
  ])(
    'rejects an asynchronous function "%s", and its rejection does not end the process',
    async (option, fold) => {
      const { warnings, logger } = lines();
      const channels = new Channels({ log: memoryLog(), clock: new ManualClock(), logger });
      const channel = channels.channel<unknown>('a', { fold });
      await channel.publish('x');
      expect(await taken(channel.subscribe())).toEqual(['x']);
      expect(warnings).toEqual([expect.stringMatching(`"(concat|latest)\\.${option}" returned a promise`)]);
      await channels.close();
    },
  );

  it('latest() keeps the last event of each key, in the order of these events', async () => {
    const channels = new Channels({ clock: new ManualClock() });
    const fold = latest<{ cell: string | number; value: number | null }>({
      key: ({ data }) => data.cell,
      removes: ({ data }) => data.value === null,
    });
    const channel = channels.channel<{ cell: string | number; value: number | null }>('a', { fold });
    const cells = ['__proto__', 2, 1, 'x', 2];
    for (const [value, cell] of cells.entries())
      await channel.publish(event({ type: 'cell', data: { cell, value } }));
    await channel.publish({ cell: 'x', value: null });
    expect(await taken(channel.subscribe())).toEqual([
      ['cell', { cell: '__proto__', value: 0 }],
      ['cell', { cell: 1, value: 2 }],
      ['cell', { cell: 2, value: 4 }],
    ]);
    await channels.close();
  });
});
