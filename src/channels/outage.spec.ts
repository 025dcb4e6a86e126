import { DelayedLog } from '../../test/contract/delayed-log.js';
import { SseError } from '../errors/sse.errors.js';
import { Channels } from './channels.js';
import { memoryLog } from '../log/memory-log.js';

const turn = () => new Promise(setImmediate);
async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** One node behind a wire that can be cut, another that is not. */
function nodes() {
  const log = memoryLog();
  const wire = new DelayedLog(log, 1);
  return { wire, cutOff: new Channels({ log: wire }), other: new Channels({ log }) };
}

describe('while the log is unavailable', () => {
  it('publishing fails, and subscribers stay and miss nothing', async () => {
    const { wire, cutOff, other } = nodes();
    const iterated = cutOff.channel('a').subscribe();
    const batched = cutOff.subscribe(['a', 'b']);
    await Promise.all([iterated.ready, batched.ready]);
    const parked = [iterated.next(), iterated.next()];
    expect(batched.take()).toBeUndefined();
    await turns();
    wire.cut();
    await expect(cutOff.channel('a').publish('x')).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    await other.channel('a').publish('1');
    await other.channel('a').publish('2');
    await turns();
    expect([cutOff.health().status, cutOff.channel('a').size(), batched.take()]).toEqual([
      'down',
      2,
      undefined,
    ]);
    let taken = '';
    batched.onReadable(
      () =>
        (taken +=
          batched
            .take()
            ?.items.map(({ frame }) => frame.slice(-5))
            .join('') ?? ''),
    );
    wire.mend();
    expect((await Promise.all(parked)).map(({ value }) => value?.data)).toEqual(['1', '2']);
    await turns();
    expect(taken).toBe(': 1\n\n: 2\n\n');
    await iterated.return();
    await batched.return();
  });

  it('a new subscription waits, and then starts at its position', async () => {
    const { wire, cutOff, other } = nodes();
    const id = await other.channel('a').publish('1');
    await other.channel('a').publish('2');
    wire.cut();
    const after = cutOff.channel('a').subscribe({ after: id });
    const now = cutOff.channel('a').subscribe();
    let ready = false;
    void now.ready.then(() => (ready = true));
    const parked = after.next();
    await turns();
    expect([ready, now.cursor]).toEqual([false, undefined]);
    wire.mend();
    expect((await parked).value?.data).toBe('2');
    await now.ready;
    await other.channel('a').publish('3');
    expect((await now.next()).value?.data).toBe('3');
    await after.return();
    await now.return();
  });

  it('an outage during reads loses and repeats nothing', async () => {
    const { wire, cutOff, other } = nodes();
    const subscription = cutOff.channel<number>('a').subscribe({ from: 'oldest' });
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const { data } of subscription) if (seen.push(data) === 300) break;
    })();
    for (let i = 0; i < 300; i++) {
      await other.channel('a').publish(i);
      if (i % 20 === 5) wire.cut();
      if (i % 20 === 15) wire.mend();
      if (i % 3 === 0) await turn();
    }
    wire.mend();
    await loop;
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });
});

describe('a log that fails with another error', () => {
  it('ends the subscription with its error', async () => {
    const log = memoryLog();
    const channels = new Channels({ log });
    const subscription = channels.channel('a').subscribe();
    const other = channels.channel('b').subscribe();
    const parked = subscription.next();
    other.take();
    const read = log.read.bind(log);
    log.read = (name, ...rest) => {
      if (name === 'a') throw new SseError('SSE_INVALID_RAW', 'broken');
      return read(name, ...rest);
    };
    await channels.channel('a').publish('x');
    await channels.channel('b').publish('y');
    await expect(parked).rejects.toThrow('broken');
    expect([channels.channel('a').size(), other.take()?.size]).toEqual([0, 1]);
  });
});

describe('subscriptions at the same position of a slow log', () => {
  it('share one read', async () => {
    const { wire, cutOff } = nodes();
    const [after] = await cutOff.channel('a').publish(['1', '2']);
    const all = Array.from({ length: 50 }, () => cutOff.channel('a').subscribe({ after }));
    wire.reads = 0;
    const batches = await Promise.all(all.map(async (subscription) => (await subscription.next()).value));
    expect(new Set(batches).size).toBe(1);
    expect(wire.reads).toBeLessThanOrEqual(2);
    for (const subscription of all) await subscription.return();
  });

  it('giveUp() fails a subscription without a position, and does not end one that has a position', async () => {
    const { wire, cutOff, other } = nodes();
    const placed = cutOff.channel('a').subscribe();
    await placed.ready;
    wire.cut();
    const waiting = cutOff.channel('a').subscribe();
    const parked = waiting.next();
    await turns();
    for (const subscription of [placed, waiting]) subscription.giveUp();
    await expect(parked).rejects.toMatchObject({
      code: 'SSE_LOG_UNAVAILABLE',
      message: expect.stringContaining('The wire is cut') as string,
    });
    const event = placed.next();
    await other.channel('a').publish('1');
    wire.mend();
    expect((await event).value?.data).toBe('1');
    await placed.return();
  });
});
