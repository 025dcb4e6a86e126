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

describe('Timekeeper', () => {
  it.each([0, 1, 999, 60_000, DAY, 90 * DAY])('calls after %i ms, at most 40 ms late', (ms) => {
    const { clock, keeper: time } = keeper();
    const rung: number[] = [];
    time.after(ms, () => rung.push(clock.now()));
    clock.advance(ms + 40);
    expect(rung).toHaveLength(1);
    expect(rung[0]).toBeGreaterThanOrEqual(ms);
  });

  it('calls once with after()', () => {
    const { clock, keeper: time, timers } = keeper();
    let rung = 0;
    time.after(1000, () => rung++);
    clock.advance(100_000);
    expect([rung, timers.size, clock.size]).toEqual([1, 0, 0]);
  });

  it.each([[-1], [NaN], ['60000'], [new Date()], [null]])('rejects %p as a time', (ms) => {
    const { keeper: time, timers } = keeper();
    expect(() => time.after(ms as number, () => undefined)).toThrow(RangeError);
    expect(timers.size).toBe(0);
  });

  it('calls repeatedly with every(), each time after 90 to 110 % of the period', () => {
    const { clock, keeper: time } = keeper();
    const rung: number[] = [];
    time.every(10_000, () => rung.push(clock.now()));
    clock.advance(1_000_000);
    const waits = rung.map((at, i) => at - (rung[i - 1] ?? 0));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(9000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(11_040);
    expect(new Set(waits.map(Math.round)).size).toBeGreaterThan(20);
  });

  it('does not call after stop()', () => {
    const { clock, keeper: time, timers } = keeper();
    let rung = 0;
    time.after(1000, () => rung++);
    time.after(90 * DAY, () => rung++);
    time.every(1000, () => rung++);
    time.stop();
    clock.advance(100 * DAY);
    expect([rung, timers.size]).toEqual([0, 0]);
  });

  it('passes errors of callbacks to the stream', () => {
    const { clock, keeper: time, failures } = keeper();
    const error = new Error('no');
    time.after(10, () => {
      throw error;
    });
    clock.advance(1000);
    expect(failures).toEqual([error]);
  });

  it.each([NaN, -1])('rejects after(%p)', (ms) => {
    expect(() => keeper().keeper.after(ms, () => undefined)).toThrow(`A stream cannot end after ${ms} ms.`);
  });

  describe('at a moment of the wall clock', () => {
    it.each([0, 1, 999, 60_000, DAY])('calls at most 100 ms late (in %i ms)', (ms) => {
      const { clock, timers, keeper: time } = keeper();
      const rung: number[] = [];
      time.at(clock.wallNow() + ms, () => rung.push(clock.now()));
      clock.advance(ms + 100);
      expect(rung).toHaveLength(1);
      expect(rung[0]).toBeGreaterThanOrEqual(ms);
      expect([timers.size, clock.size]).toEqual([0, 0]);
    });

    it('calls within 31 s if the clock is set past that moment', () => {
      const { clock, keeper: time } = keeper();
      let rung = 0;
      time.at(clock.wallNow() + DAY, () => rung++);
      clock.advance(1000);
      clock.setWallClock(DAY);
      expect(rung).toBe(0);
      clock.advance(31_000);
      expect(rung).toBe(1);
    });

    it('calls later if the clock is set back', () => {
      const { clock, keeper: time } = keeper();
      let rung = 0;
      time.at(clock.wallNow() + 60_000, () => rung++);
      clock.advance(50_000);
      clock.setWallClock(-30_000);
      clock.advance(39_000);
      expect(rung).toBe(0);
      clock.advance(1100);
      expect(rung).toBe(1);
    });

    it('does not call after stop(), and has one entry until then', () => {
      const { clock, timers, keeper: time } = keeper();
      let rung = 0;
      time.at(clock.wallNow() + DAY, () => rung++);
      clock.advance(DAY / 2);
      expect(timers.size).toBe(1);
      time.stop();
      clock.advance(DAY);
      expect([rung, timers.size]).toEqual([0, 0]);
    });
  });
});
