import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { SharedTimers } from './shared-timers.js';
import { Timekeeper } from './timekeeper.js';

const DAY = 86_400_000;

function keeper(): { clock: ManualClock; timers: SharedTimers; keeper: Timekeeper; failures: unknown[] } {
  const clock = new ManualClock();
  const timers = new SharedTimers(clock);
  const failures: unknown[] = [];
  const stream = { failed: (error: unknown) => failures.push(error) };
  return { clock, timers, failures, keeper: new Timekeeper(timers, stream) };
}

describe('what is due while a stream is open', () => {
  it.each([0, 1, 999, 60_000, DAY, 90 * DAY])('after %i ms comes then, and at most 40 ms later', (ms) => {
    const { clock, keeper: time } = keeper();
    const rung: number[] = [];
    time.after(ms, () => rung.push(clock.now()));
    clock.advance(ms + 40);
    expect(rung).toHaveLength(1);
    expect(rung[0]).toBeGreaterThanOrEqual(ms);
  });

  it('comes once', () => {
    const { clock, keeper: time, timers } = keeper();
    let rung = 0;
    time.after(1000, () => rung++);
    clock.advance(100_000);
    expect([rung, timers.size, clock.size]).toEqual([1, 0, 0]);
  });

  it('comes every so often, each time between nine and eleven tenths of it', () => {
    const { clock, keeper: time } = keeper();
    const rung: number[] = [];
    time.every(10_000, () => rung.push(clock.now()));
    clock.advance(1_000_000);
    const waits = rung.map((at, i) => at - (rung[i - 1] ?? 0));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(9000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(11_040);
    expect(new Set(waits.map(Math.round)).size).toBeGreaterThan(20);
  });

  it('never comes once the stream is over', () => {
    const { clock, keeper: time, timers } = keeper();
    let rung = 0;
    time.after(1000, () => rung++);
    time.after(90 * DAY, () => rung++);
    time.every(1000, () => rung++);
    time.stop();
    clock.advance(100 * DAY);
    expect([rung, timers.size]).toEqual([0, 0]);
  });

  it('ends the stream if it throws, and not the process', () => {
    const { clock, keeper: time, failures } = keeper();
    const error = new Error('no');
    time.after(10, () => {
      throw error;
    });
    clock.advance(1000);
    expect(failures).toEqual([error]);
  });

  it.each([NaN, -1])('cannot be due after %p ms', (ms) => {
    expect(() => keeper().keeper.after(ms, () => undefined)).toThrow(`A stream cannot end after ${ms} ms.`);
  });
});
