import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { SharedTimers } from './shared-timers.js';
import { StallWatch } from './stall-watch.js';

function watching(): {
  clock: ManualClock;
  take: (bytes: number) => void;
  stalls: () => number;
  watch: StallWatch;
} {
  const clock = new ManualClock();
  let [unsent, stalls] = [1_000_000, 0];
  const watch = new StallWatch(() => unsent, new SharedTimers(clock), 30_000, {
    stalled: () => stalls++,
    gone: () => undefined,
  });
  watch.start();
  return { clock, watch, take: (bytes) => (unsent -= bytes), stalls: () => stalls };
}

describe('a client that is behind', () => {
  it('has stalled when it has taken nothing for the whole time, and is found within a quarter more', () => {
    const { clock, stalls } = watching();
    clock.advance(29_999);
    expect(stalls()).toBe(0);
    clock.advance(10_000);
    expect(stalls()).toBe(1);
  });

  it('has not stalled if it takes a kilobyte a second, for hours', () => {
    const { clock, take, stalls } = watching();
    for (let i = 0; i < 900; i++) {
      clock.advance(1000);
      take(1024);
    }
    expect(stalls()).toBe(0);
    clock.advance(40_000);
    expect(stalls()).toBe(1);
  });

  it('has not stalled if it takes one byte within the time', () => {
    const { clock, take, stalls } = watching();
    for (let i = 0; i < 10; i++) {
      clock.advance(22_000);
      take(1);
    }
    expect(stalls()).toBe(0);
  });

  it('is watched no more once it has caught up', () => {
    const { clock, watch, stalls } = watching();
    clock.advance(20_000);
    watch.stop();
    clock.advance(100_000);
    expect([stalls(), clock.size]).toEqual([0, 0]);
  });

  it('is given the whole time again when it falls behind again', () => {
    const { clock, watch, stalls } = watching();
    clock.advance(20_000);
    watch.stop();
    watch.start();
    clock.advance(29_000);
    expect(stalls()).toBe(0);
  });
});
