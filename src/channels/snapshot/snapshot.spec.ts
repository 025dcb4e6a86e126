import { z } from 'zod';
import { event, type ChannelSubscription, type SnapshotContext } from 'nestjs-event-stream';
import { defineEvents } from '../../events/event-contract.js';
import { memoryLog } from '../../log/memory-log.js';
import { DelayedLog } from '../../../test/contract/delayed-log.js';
import { Channels } from '../channels.js';

/** Takes the available events: `[type or data, has an ID]` of each event. */
function taken(subscription: ChannelSubscription): unknown[] {
  const seen: unknown[] = [];
  for (let batch = subscription.take(); batch; batch = subscription.take()) {
    expect(batch.size).toBeGreaterThan(0);
    for (let i = 0; i < batch.size; i++) {
      const { type, data, id } = batch.event(i)!;
      seen.push(type === undefined ? [data, id !== undefined] : [type, data, id !== undefined]);
    }
  }
  return seen;
}

const turns = async (count = 30) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

describe('subscribe({ snapshot })', () => {
  it('sends the snapshot to a client without a cursor, then the events after its position', async () => {
    const channels = new Channels();
    const channel = channels.channel('a');
    await channel.publish([1, 2]);
    const contexts: SnapshotContext[] = [];
    const subscription = channel.subscribe({
      snapshot: (context) => {
        contexts.push(context);
        return [event({ type: 'state', data: { sum: 3 } }), 'two'];
      },
    });
    expect(taken(subscription)).toEqual([
      ['state', { sum: 3 }, false],
      ['two', true],
    ]);
    expect(contexts).toEqual([
      { position: subscription.cursor, reason: 'start', signal: expect.any(AbortSignal) },
    ]);
    await channel.publish(3);
    await turns(1);
    expect(taken(subscription)).toEqual([[3, true]]);
    const after = contexts[0]?.position;
    const resumed = channel.subscribe({ after, snapshot: () => 'never' });
    expect(taken(resumed)).toEqual([[3, true]]);
    await channels.close();
  });

  it('replaces the gap of a client whose cursor was evicted', async () => {
    const channels = new Channels({ log: memoryLog({ maxEvents: 2 }) });
    const channel = channels.channel('a');
    const after = await channel.publish(0);
    await channel.publish([1, 2, 3, 4]);
    const reasons: string[] = [];
    const subscription = channel.subscribe({
      after,
      snapshot: ({ reason }) => {
        reasons.push(reason);
        return { sum: 10 };
      },
    });
    expect(taken(subscription)).toEqual([[{ sum: 10 }, true]]);
    await channel.publish(5);
    await turns(1);
    expect([taken(subscription), reasons]).toEqual([[[5, true]], ['gap']]);
    await channels.close();
  });

  it('loses no event that is published while it is taken, and is taken again if its position is evicted', async () => {
    const channels = new Channels({ log: memoryLog({ maxEvents: 3 }) });
    const channel = channels.channel('a');
    let finish: (value: unknown) => void = () => undefined;
    let calls = 0;
    const subscription = channel.subscribe({
      snapshot: () => {
        calls++;
        return new Promise((resolve) => (finish = resolve));
      },
    });
    expect(taken(subscription)).toEqual([]);
    await channel.publish([1, 2]);
    await turns(1);
    finish('first');
    await turns(1);
    expect(taken(subscription)).toEqual([
      ['first', true],
      [1, true],
      [2, true],
    ]);
    const second = channel.subscribe({
      snapshot: () => {
        calls++;
        return new Promise((resolve) => (finish = resolve));
      },
    });
    taken(second);
    await channel.publish([3, 4, 5, 6]);
    finish('evicted');
    await turns(1);
    expect([taken(second), calls]).toEqual([[], 3]);
    finish('again');
    await turns(1);
    expect(taken(second)).toEqual([['again', true]]);
    await channels.close();
  });

  it('reports a gap if the position is evicted three times in a row', async () => {
    const channels = new Channels({ log: memoryLog({ maxEvents: 2 }) });
    const channel = channels.channel('a');
    let calls = 0;
    const subscription = channel.subscribe({
      snapshot: async () => {
        calls++;
        await channel.publish(['x', 'x', 'x']);
        return 'state';
      },
    });
    const seen = [];
    for (let i = 0; i < 10; i++) {
      seen.push(...taken(subscription));
      await turns(1);
    }
    expect(calls).toBe(3);
    expect(seen).toEqual([
      ['gap', { requested: '', oldest: expect.any(String) }, true],
      ['x', true],
      ['x', true],
    ]);
    await channels.close();
  });

  it('sends nothing for an empty state', async () => {
    const channels = new Channels();
    const subscription = channels.subscribe(['a'], { snapshot: () => [] });
    expect(taken(subscription)).toEqual([]);
    await channels.channel('a').publish(1);
    await turns(1);
    expect(taken(subscription)).toEqual([[1, true]]);
    await channels.close();
  });

  it.each(['forged', 'x:1'])(
    'reports the unknown cursor %p if there is no state, as without a snapshot',
    async (after) => {
      const channels = new Channels({ log: memoryLog({ maxEvents: 2 }) });
      const channel = channels.channel<number>('a');
      await channel.publish([1, 2, 3]);
      const gap = ['gap', { requested: after, oldest: expect.any(String) }, true];
      expect(taken(channel.subscribe({ after }))).toEqual([gap, [2, true], [3, true]]);
      const fold = { initial: 0, step: () => 1, toEvents: () => 'state' };
      expect(taken(channel.subscribe({ after, fold }))).toEqual([gap, [2, true], [3, true]]);
      await channels.close();
    },
  );

  it('aborts the signal and returns the iterator when the client leaves', async () => {
    const channels = new Channels();
    let aborted = false;
    let returned = false;
    const subscription = channels.channel('a').subscribe({
      async *snapshot({ signal }) {
        signal.addEventListener('abort', () => (aborted = true));
        try {
          yield 1;
          yield 2;
          await new Promise(() => undefined);
        } finally {
          returned = true;
        }
      },
    });
    const first = subscription.next();
    expect((await first).value).toMatchObject({ data: 1, id: undefined });
    await subscription.return();
    expect(aborted).toBe(true);
    await turns(2);
    expect(returned).toBe(false);
    await channels.close();
  });

  it('fails with the error of the snapshot', async () => {
    const channels = new Channels();
    const subscription = channels.channel('a').subscribe({
      snapshot: () => {
        throw new Error('broken');
      },
    });
    await expect(subscription.next()).rejects.toThrow('broken');
    const second = channels.channel('a').subscribe({ snapshot: () => 1n });
    await expect(second.next()).rejects.toMatchObject({ code: 'SSE_NOT_SERIALIZABLE' });
    await channels.close();
  });

  it('that breaks the contract of its channels fails, unless validation is disabled', async () => {
    const events = defineEvents({ sum: z.number() });
    const snapshot = () => [events.sum(1), event({ type: 'sum', data: 'wrong' }), events.sum(2)];
    const [on, off] = [new Channels({ validate: true }), new Channels({ validate: false })];
    for (const subscription of [
      on.channel('a', events).subscribe({ snapshot }),
      on.subscribe(['a', 'b'], { events, snapshot }),
    ]) {
      await expect(subscription.next()).rejects.toMatchObject({
        code: 'SSE_INVALID_EVENT',
        message: expect.stringContaining('data: Invalid input') as string,
      });
    }
    for (const subscription of [
      on.subscribe('a', { snapshot }),
      off.channel('a', events).subscribe({ snapshot }),
      off.subscribe('a', { events, snapshot }),
    ]) {
      expect(taken(subscription as ChannelSubscription)).toEqual([
        ['sum', 1, false],
        ['sum', 'wrong', false],
        ['sum', 2, true],
      ]);
    }
    await Promise.all([on.close(), off.close()]);
  });

  it('is serialized like the events that are published', async () => {
    const channels = new Channels({ serialize: (value) => `<${String(value)}>`, parse: (text) => text });
    const subscription = channels.channel('a').subscribe({ snapshot: () => [1, 2] });
    expect(taken(subscription)).toEqual([
      ['<1>', false],
      ['<2>', true],
    ]);
    await channels.close();
  });

  it('may be late after giveUp(), which fails the subscription only if its position is not known', async () => {
    const log = new DelayedLog(memoryLog(), 1);
    const channels = new Channels({ log });
    let finish: (value: unknown) => void = () => undefined;
    const snapshot = () => new Promise((resolve) => (finish = resolve));
    const late = channels.channel('a').subscribe({ snapshot });
    const ready = late.ready;
    await turns();
    late.giveUp();
    await ready;
    expect([taken(late), late.ended, late.cursor]).toEqual([[], false, undefined]);
    finish('state');
    await turns();
    expect(taken(late)).toEqual([]);
    await turns();
    expect(taken(late)).toEqual([['state', true]]);
    log.cut();
    const lost = channels.channel('a').subscribe({ snapshot });
    const parked = lost.next();
    await turns();
    lost.giveUp();
    expect(lost.ended).toBe(true);
    await expect(parked).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE', message: 'The wire is cut.' });
    log.mend();
    await channels.close();
  });

  it('has one position for several channels, and waits while the log is unavailable', async () => {
    const log = new DelayedLog(memoryLog(), 1);
    const channels = new Channels({ log });
    await channels.channel('a').publish(1);
    const subscription = channels.subscribe(['a', 'b'], { snapshot: ({ reason }) => [reason, 'last'] });
    await turns();
    log.cut();
    expect(taken(subscription)).toEqual([]);
    await turns();
    log.mend();
    const seen: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      await turns();
      seen.push(...taken(subscription));
    }
    expect(seen).toEqual([
      ['start', false],
      ['last', true],
    ]);
    await channels.channel('b').publish(2);
    await turns();
    taken(subscription);
    await turns();
    expect(taken(subscription)).toEqual([[2, true]]);
    await channels.close();
  });
});
