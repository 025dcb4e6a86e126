import { ManualClock } from '../../test/fixtures/client/manual-clock.js';
import { makeWait } from './wait.js';

function deferred(): { promise: Promise<string>; resolve: (value: string) => void } {
  let resolve: (value: string) => void = () => undefined;
  const promise = new Promise<string>((settle) => (resolve = settle));
  return { promise, resolve };
}

describe('waiting for one thing at a time', () => {
  const never = new Promise<never>(() => undefined);

  it('gives what the promise settles to, and leaves no timer', async () => {
    const clock = new ManualClock();
    const wait = makeWait(clock);
    expect(await wait.for(Promise.resolve('a'), 10)).toBe('a');
    await expect(wait.for(Promise.reject(new Error('b')), 10)).rejects.toThrow('b');
    expect(clock.timers.size).toBe(0);
  });

  it('throws what late() gives when the limit is reached', async () => {
    const clock = new ManualClock();
    const waiting = makeWait(clock).for(never, 10, () => 'late');
    clock.advance(10);
    clock.advance(50);
    await expect(waiting).rejects.toBe('late');
    expect(clock.timers.size).toBe(0);
  });

  it('is not disturbed by what it no longer waits for', async () => {
    const clock = new ManualClock();
    const wait = makeWait(clock);
    const { promise, resolve } = deferred();
    const first = wait.for(promise, 10, () => 'late');
    clock.advance(10);
    clock.advance(50);
    await expect(first).rejects.toBe('late');
    const second = wait.for(never, 20);
    resolve('after all');
    await promise;
    wait.stop('stopped');
    await expect(second).rejects.toBe('stopped');
    expect(clock.timers.size).toBe(0);
  });

  it('is stopped permanently, for the first reason', async () => {
    const clock = new ManualClock();
    const wait = makeWait(clock);
    expect(() => wait.check()).not.toThrow();
    const sleeping = wait.sleep(10);
    wait.stop('first');
    wait.stop('second');
    await expect(sleeping).rejects.toBe('first');
    await expect(wait.for(Promise.resolve())).rejects.toBe('first');
    await expect(wait.sleep(10)).rejects.toBe('first');
    expect(() => wait.check()).toThrow('first');
    expect(clock.timers.size).toBe(0);
  });
});
