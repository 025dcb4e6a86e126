import { event, type ChannelSubscription, type SnapshotContext } from 'nestjs-event-stream';
import { memoryLog } from '../../log/memory-log.js';
import { DelayedLog } from '../../../test/contract/delayed-log.js';
import { Channels } from '../channels.js';

/** Takes the available events: `[type or data, has an ID]` of each event. */
function taken(subscription: ChannelSubscription): unknown[] {
  const seen: unknown[] = [];
  for (let batch = subscription.take(); batch; batch = subscription.take()) {
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
