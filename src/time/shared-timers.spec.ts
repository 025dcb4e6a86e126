import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { SharedTimers, type Timed } from './shared-timers.js';

class Bell implements Timed {
  bucket: Set<Timed> | undefined;
  readonly rungAt: number[] = [];

  constructor(
    private readonly clock: ManualClock,
    private readonly then: () => void = () => undefined,
  ) {}

  due(): void {
    this.rungAt.push(this.clock.now());
    this.then();
  }
}

function make(): { clock: ManualClock; timers: SharedTimers } {
  const clock = new ManualClock();
  return { clock, timers: new SharedTimers(clock) };
}

describe('SharedTimers', () => {
  it.each([1, 10, 250, 1000, 15_000, 86_400_000])(
    'are never early, and at most 1/256 or a second late (%i ms)',
    (ms) => {
      const { clock, timers } = make();
      clock.advance(12_345);
      const bell = new Bell(clock);
      timers.schedule(bell, ms);
      clock.advance(ms * 2);
      const [at = 0] = bell.rungAt;
      expect(bell.rungAt).toHaveLength(1);
      expect(at - 12_345).toBeGreaterThanOrEqual(ms);
      expect(at - 12_345).toBeLessThanOrEqual(ms + Math.max(1, Math.min(ms / 256, 1000)));
    },
  );

  it('are late by up to lateMs, and need fewer timers of Node then', () => {
    const { clock, timers } = make();
    const bells = Array.from({ length: 50 }, () => new Bell(clock));
    for (const bell of bells) {
      timers.schedule(bell, 15_000, 500);
      clock.advance(20);
    }
    clock.advance(20_000);
    const times = bells.map((bell) => bell.rungAt[0] ?? 0);
    times.forEach((at, i) => expect(at).toBeGreaterThanOrEqual(20 * i + 15_000));
    times.forEach((at, i) => expect(at).toBeLessThanOrEqual(20 * i + 15_500));
    expect(new Set(times).size).toBeLessThanOrEqual(1000 / 256 + 2);
  });

  it('need few timers of Node for many entries', () => {
    const { clock, timers } = make();
    for (let i = 0; i < 10_000; i++) timers.schedule(new Bell(clock), 15_000 + (i % 100));
    expect(timers.size).toBe(10_000);
    expect(clock.size).toBeLessThanOrEqual(2);
  });

  it('spread thousands of entries that are due together over several turns', async () => {
    const { clock, timers } = make();
    let rung = 0;
    for (let i = 0; i < 1000; i++) timers.schedule(new Bell(clock, () => rung++), 1000);
    const turns: number[] = [];
    clock.advance(1100);
    for (let left = 100; rung < 1000 && left > 0; left--) {
      turns.push(rung);
      await new Promise(setImmediate);
    }
    expect(rung).toBe(1000);
    expect(turns.every((count, i) => count - (turns[i - 1] ?? 0) <= 64)).toBe(true);
  });

  it('do not call canceled entries, even if an entry that is due at the same time cancels them', () => {
    const { clock, timers } = make();
    const second = new Bell(clock);
    const first = new Bell(clock, () => timers.cancel(second));
    timers.schedule(first, 100);
    timers.schedule(second, 100);
    clock.advance(1000);
    expect(first.rungAt).toHaveLength(1);
    expect(second.rungAt).toEqual([]);
    expect(timers.size).toBe(0);
  });

  it('keep only the last timer of an entry', () => {
    const { clock, timers } = make();
    const bell = new Bell(clock);
    timers.schedule(bell, 100);
    timers.schedule(bell, 5000);
    clock.advance(4999);
    expect(bell.rungAt).toEqual([]);
    clock.advance(500);
    expect(bell.rungAt).toHaveLength(1);
  });

  it('accept a new timer within due()', () => {
    const { clock, timers } = make();
    const bell: Bell = new Bell(clock, () => timers.schedule(bell, 1000));
    timers.schedule(bell, 1000);
    clock.advance(10_000);
    expect(bell.rungAt.length).toBe(10);
  });

  it('leave no timer after clear()', () => {
    const { clock, timers } = make();
    for (const ms of [10, 1000, 60_000]) timers.schedule(new Bell(clock), ms);
    timers.clear();
    expect([clock.size, timers.size]).toEqual([0, 0]);
  });

  it('leave no timer after the last call', () => {
    const { clock, timers } = make();
    for (const ms of [10, 1000, 60_000]) timers.schedule(new Bell(clock), ms);
    clock.advance(100_000);
    expect([clock.size, timers.size]).toEqual([0, 0]);
  });

  describe('after cancel()', () => {
    /** The number of buckets, empty or not. */
    const buckets = (timers: SharedTimers): number => {
      const { wheels } = timers as unknown as { wheels: Map<number, { buckets: Map<number, unknown> }> };
      return [...wheels.values()].reduce((sum, wheel) => sum + wheel.buckets.size, 0);
    };

    it('keep nothing, even of timers in the far future', () => {
      const { clock, timers } = make();
      for (let i = 0; i < 10_000; i++) {
        const bell = new Bell(clock);
        timers.schedule(bell, 604_800_000);
        clock.advance(500);
        timers.cancel(bell);
      }
      expect([buckets(timers), timers.size]).toEqual([0, 0]);
      expect(clock.size).toBeLessThanOrEqual(1);
    });

    it('still call entries of other moments', () => {
      const { clock, timers } = make();
      const bells = Array.from({ length: 2000 }, () => new Bell(clock));
      for (const [i, bell] of bells.entries()) timers.schedule(bell, 86_400_000 + i * 5000);
      for (const [i, bell] of bells.entries()) if (i % 100 !== 99) timers.cancel(bell);
      expect(buckets(timers)).toBe(20);
      clock.advance(200_000_000);
      expect(bells.flatMap(({ rungAt }, i) => (rungAt.length === 1 ? [i] : []))).toEqual(
        Array.from({ length: 20 }, (_, i) => i * 100 + 99),
      );
      expect([buckets(timers), clock.size]).toEqual([0, 0]);
    });

    it('within due() still call entries that this due() has added', () => {
      const { clock, timers } = make();
      const last = new Bell(clock);
      const again = new Bell(clock);
      const first = new Bell(clock, () => {
        timers.cancel(last);
        timers.schedule(again, 0);
      });
      timers.schedule(first, 1000);
      timers.schedule(last, 1000);
      clock.advance(5000);
      expect([first, last, again].map(({ rungAt }) => rungAt.length)).toEqual([1, 0, 1]);
      expect(buckets(timers)).toBe(0);
    });
  });

  it('continue if one due() throws', () => {
    const { clock, timers } = make();
    const broken = new Bell(clock, () => {
      throw new Error('broken');
    });
    const bells = [1000, 1000, 2000].map((ms) => {
      const bell = new Bell(clock);
      if (ms === 1000 && broken.bucket === undefined) timers.schedule(broken, ms);
      timers.schedule(bell, ms);
      return bell;
    });
    expect(() => clock.advance(1010)).toThrow('broken');
    clock.advance(5000);
    expect(bells.map(({ rungAt }) => rungAt.length)).toEqual([1, 1, 1]);
  });
});
