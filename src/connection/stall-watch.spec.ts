import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { SharedTimers } from '../time/shared-timers.js';
import { StallWatch, type Backlog } from './stall-watch.js';

/** A client that was given so many bytes, on a connection over which `carried` went. */
class Given implements Backlog {
  stalls: boolean[] = [];
  awaited = true;
  carriedNow: number | undefined;
  private left: number;

  constructor(public bytes: number) {
    this.left = bytes;
  }
  give(bytes: number): void {
    this.bytes += bytes;
    this.left += bytes;
  }
  take(bytes: number): void {
    this.left -= bytes;
  }
  unsent(): number {
    return this.left;
  }
  carried(): number | undefined {
    return this.carriedNow;
  }
  stalled(carrierToo: boolean): void {
    this.stalls.push(carrierToo);
  }
  gone(): void {
    throw new Error('nobody has gone');
  }
}

function watching(given = new Given(1_000_000)): {
  clock: ManualClock;
  given: Given;
  take: (bytes: number) => void;
  stalls: () => number;
  watch: StallWatch;
} {
  const clock = new ManualClock();
  const watch = new StallWatch(given, new SharedTimers(clock), 30_000);
  watch.start();
  return { clock, given, watch, take: (bytes) => given.take(bytes), stalls: () => given.stalls.length };
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

  it('has stalled also if it is given more and more meanwhile', () => {
    const { clock, given } = watching();
    for (let i = 0; i < 20; i++) {
      clock.advance(2000);
      given.give(10);
    }
    expect(given.stalls).toEqual([false]);
  });

  it('that nobody waits for is watched no more once nothing is left', () => {
    const { clock, given } = watching(Object.assign(new Given(10), { awaited: false }));
    given.take(10);
    clock.advance(100_000);
    expect([given.stalls, clock.size]).toEqual([[], 0]);
  });

  it('that is waited for has stalled also where nothing is left, and no end is reported', () => {
    const { clock, given } = watching(new Given(10));
    given.take(10);
    clock.advance(29_000);
    expect(given.stalls).toEqual([]);
    clock.advance(20_000);
    expect(given.stalls).toEqual([false]);
  });

  it.each<[what: string, after: (before: number) => number | undefined, carrierToo: boolean]>([
    ['nothing moves', (before) => before, true],
    ['others are served', (before) => before + 1, false],
    ['nothing waits', () => undefined, false],
  ])('has stalled with its connection only where %s on that', (_what, after, carrierToo) => {
    const { clock, given } = watching(Object.assign(new Given(10), { carriedNow: 5000 }));
    clock.advance(20_000);
    given.carriedNow = after(5000);
    clock.advance(20_000);
    expect(given.stalls).toEqual([carrierToo]);
  });
});
