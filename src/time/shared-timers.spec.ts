import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { SharedTimers, type Timed } from './shared-timers.js';

class Bell implements Timed {
  slot: Set<Timed> | undefined;
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

describe('timers that are shared', () => {
  it.each([1, 10, 250, 1000, 15_000, 86_400_000])(
    'are not early, and late by a 256th at most, or a second (%i ms)',
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

  it('are as late as may be, where somebody says so, and fewer for it', () => {
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

  it('are few, however many wait', () => {
    const { clock, timers } = make();
    for (let i = 0; i < 10_000; i++) timers.schedule(new Bell(clock), 15_000 + (i % 100));
    expect(timers.size).toBe(10_000);
    expect(clock.size).toBeLessThanOrEqual(2);
  });

  it('let others have their turn when thousands are due at once', async () => {
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

  it('forget what is cancelled, also by another that is due in the same moment', () => {
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

  it('wait for one moment each: the last that was asked for', () => {
    const { clock, timers } = make();
    const bell = new Bell(clock);
    timers.schedule(bell, 100);
    timers.schedule(bell, 5000);
    clock.advance(4999);
    expect(bell.rungAt).toEqual([]);
    clock.advance(500);
    expect(bell.rungAt).toHaveLength(1);
  });

  it('can be set again while they ring', () => {
    const { clock, timers } = make();
    const bell: Bell = new Bell(clock, () => timers.schedule(bell, 1000));
    timers.schedule(bell, 1000);
    clock.advance(10_000);
    expect(bell.rungAt.length).toBe(10);
  });

  it('leave no timer behind once they are cleared', () => {
    const { clock, timers } = make();
    for (const ms of [10, 1000, 60_000]) timers.schedule(new Bell(clock), ms);
    timers.clear();
    expect([clock.size, timers.size]).toEqual([0, 0]);
  });

  it('leave no timer behind once all have rung', () => {
    const { clock, timers } = make();
    for (const ms of [10, 1000, 60_000]) timers.schedule(new Bell(clock), ms);
    clock.advance(100_000);
    expect([clock.size, timers.size]).toEqual([0, 0]);
  });

  describe('that are cancelled', () => {
    /** What a wheel keeps for moments to come, empty or not. */
    const slots = (timers: SharedTimers): number => {
      const { wheels } = timers as unknown as { wheels: Map<number, { slots: Map<number, unknown> }> };
      return [...wheels.values()].reduce((sum, wheel) => sum + wheel.slots.size, 0);
    };

    it('leave nothing, however far off they were', () => {
      const { clock, timers } = make();
      for (let i = 0; i < 10_000; i++) {
        const bell = new Bell(clock);
        timers.schedule(bell, 604_800_000);
        clock.advance(500);
        timers.cancel(bell);
      }
      expect([slots(timers), timers.size]).toEqual([0, 0]);
      expect(clock.size).toBeLessThanOrEqual(1);
    });

    it('leave those at other moments alone', () => {
      const { clock, timers } = make();
      const bells = Array.from({ length: 2000 }, () => new Bell(clock));
      for (const [i, bell] of bells.entries()) timers.schedule(bell, 86_400_000 + i * 5000);
      for (const [i, bell] of bells.entries()) if (i % 100 !== 99) timers.cancel(bell);
      expect(slots(timers)).toBe(20);
      clock.advance(200_000_000);
      expect(bells.flatMap(({ rungAt }, i) => (rungAt.length === 1 ? [i] : []))).toEqual(
        Array.from({ length: 20 }, (_, i) => i * 100 + 99),
      );
      expect([slots(timers), clock.size]).toEqual([0, 0]);
    });

    it('by one that is due at the same moment do not take with them what that one begins', () => {
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
      expect(slots(timers)).toBe(0);
    });
  });

  it('go on where one of them throws', () => {
    const { clock, timers } = make();
    const broken = new Bell(clock, () => {
      throw new Error('broken');
    });
    const bells = [1000, 1000, 2000].map((ms) => {
      const bell = new Bell(clock);
      if (ms === 1000 && broken.slot === undefined) timers.schedule(broken, ms);
      timers.schedule(bell, ms);
      return bell;
    });
    expect(() => clock.advance(1010)).toThrow('broken');
    clock.advance(5000);
    expect(bells.map(({ rungAt }) => rungAt.length)).toEqual([1, 1, 1]);
  });
});
