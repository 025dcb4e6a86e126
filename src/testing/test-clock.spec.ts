import { AsyncLocalStorage } from 'node:async_hooks';
import { jest } from '@jest/globals';
import { isSseError } from '../errors/sse.errors.js';
import { realTime } from './real-time.js';
import { TestClock } from './test-clock.js';

/** A clock with timers that record when they run. */
function make(): { clock: TestClock; ran: number[]; after: (...ms: number[]) => unknown[] } {
  const clock = new TestClock();
  const ran: number[] = [];
  const after = (...delays: number[]): unknown[] =>
    delays.map((ms) => clock.schedule(() => ran.push(clock.now()), ms));
  return { clock, ran, after };
}

describe('TestClock', () => {
  it('runs timers in their order, each at its time, and none that is not due', async () => {
    const { clock, ran, after } = make();
    after(30, 10, 20, 41, -5);
    await clock.advance(40);
    expect([ran, clock.now()]).toEqual([[0, 10, 20, 30], 40]);
    await clock.advance(1);
    expect(ran).toHaveLength(5);
  });

  it('runs timers that other timers set, and what I/O between them sets', async () => {
    const { clock, ran, after } = make();
    clock.schedule(() => after(10), 10);
    clock.schedule(() => setImmediate(() => setImmediate(() => after(10))), 50);
    await clock.advance(100);
    expect(ran).toEqual([20, 60]);
  });

  it('does not run a timer that was canceled', async () => {
    const { clock, ran, after } = make();
    for (const handle of after(10, 20)) clock.cancel(handle);
    clock.cancel(undefined);
    await clock.advance(100);
    expect(ran).toEqual([]);
  });

  it('advances once for each of several calls', async () => {
    const { clock, ran, after } = make();
    after(15);
    await Promise.all([clock.advance(10), clock.advance(10)]);
    expect([ran, clock.now()]).toEqual([[15], 20]);
  });

  it('rejects with the error of a timer, and runs the others with the next call', async () => {
    const { clock, ran, after } = make();
    clock.schedule(() => {
      throw new Error('broken');
    }, 10);
    after(10, 20);
    await expect(clock.advance(100)).rejects.toThrow('broken');
    await clock.advance(100);
    expect(ran).toEqual([10, 20]);
  });

  it('moves the wall clock by the same time', async () => {
    const { clock } = make();
    const before = clock.wallNow();
    await clock.advance(5000);
    expect(clock.wallNow() - before).toBe(5000);
  });

  it('runs timers in the async context that set them', async () => {
    const clock = new TestClock();
    const storage = new AsyncLocalStorage<string>();
    let seen: string | undefined;
    storage.run('request', () => clock.schedule(() => (seen = storage.getStore()), 1));
    await clock.advance(1);
    expect(seen).toBe('request');
  });

  it('follows the system clock when the application closes', async () => {
    const { clock, ran, after } = make();
    // Real time stands still here: a timer of Node may run before another clock of the system says that it is due.
    jest.spyOn(realTime, 'now').mockReturnValue(7);
    const setTimeout = jest.spyOn(realTime, 'setTimeout');
    after(5);
    const [canceled] = after(50);
    clock.follow();
    clock.follow();
    clock.cancel(canceled);
    after(20);
    while (ran.length < 2) await realTime.turns(1);
    expect(setTimeout.mock.calls.map(([, ms]) => ms)).toEqual([5, 50, 20]);
    jest.restoreAllMocks();
    await expect(clock.advance(1)).rejects.toThrow(
      'TestClock: The application of this clock is closed. Make a new TestClock for each application.',
    );
  });

  it('rejects an advance without an application', async () => {
    const error: unknown = await new TestClock().advance(5).catch((thrown: unknown) => thrown);
    expect(isSseError(error, 'SSE_INVALID_OPTIONS')).toBe(true);
    expect((error as Error).message).toBe(
      'TestClock: No application uses this clock. Replace the clock of the module: builder.overrideProvider(SSE_CLOCK).useValue(clock).',
    );
  });

  it.each([-1, NaN, Infinity, '5', undefined, null])('rejects an advance by %p', async (ms) => {
    const { clock } = make();
    clock.now();
    await expect(clock.advance(ms as number)).rejects.toThrow('TestClock: A clock cannot advance by ');
  });
});
