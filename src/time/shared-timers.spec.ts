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
});
