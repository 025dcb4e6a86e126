import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { AnswerTimer, expectAnswer } from './answer-timer.js';

/** An answer that is expected within a second. */
function expecting() {
  const clock = new ManualClock();
  const state = { expired: 0 };
  const cancel = expectAnswer(clock, 1000, () => state.expired++);
  return { clock, state, cancel };
}

/** The sockets are read after the timers. */
async function read(): Promise<void> {
  await new Promise(setImmediate);
}

describe('expectAnswer()', () => {
  it('expires after its time and a turn, and not before', async () => {
    const { clock, state } = expecting();
    clock.advance(999);
    await read();
    expect(clock.size).toBe(1);
    clock.advance(1);
    expect(state.expired).toBe(0);
    await read();
    expect([state.expired, clock.size]).toEqual([1, 0]);
  });

  it('does not expire if the answer is read in that turn', async () => {
    const { clock, state, cancel } = expecting();
    clock.advance(1000);
    cancel();
    await read();
    expect(state.expired).toBe(0);
  });

  it.each([1, 40, 999, 1020, 3_600_000])(
    'waits as long in a process that was suspended for %i ms',
    async (ms) => {
      const { clock, state } = expecting();
      clock.advance(100);
      clock.suspend(ms);
      // A suspension that ends before the next step is not noticed. A step is a quarter of the time.
      clock.advance(749);
      await read();
      expect(state.expired).toBe(0);
      clock.advance(151);
      await read();
      expect([state.expired, clock.size]).toEqual([1, 0]);
    },
  );

  it('expires although this process is always late', async () => {
    const { clock, state } = expecting();
    for (let i = 0; i < 4; i++) {
      expect(state.expired).toBe(0);
      clock.suspend(350);
      clock.advance(0);
    }
    await read();
    expect(state.expired).toBe(1);
  });

  it('never expires after it was canceled, in any step', async () => {
    for (const advancedMs of [0, 300, 900]) {
      const { clock, state, cancel } = expecting();
      clock.suspend(2000);
      clock.advance(advancedMs);
      cancel();
      clock.advance(5000);
      await read();
      expect([state.expired, clock.size]).toEqual([0, 0]);
    }
  });
});

describe('AnswerTimer', () => {
  it('calls the last function that was set, at the last time', async () => {
    const clock = new ManualClock();
    const timer = new AnswerTimer(clock, 1000);
    const called: string[] = [];
    timer.set(timer.now() + 1000, () => called.push('first'));
    clock.advance(1000);
    timer.set(timer.now() + 500, () => called.push('second'));
    await read();
    expect([called, timer.isSet]).toEqual([[], true]);
    clock.advance(500);
    await read();
    expect([called, timer.isSet, clock.size]).toEqual([['second'], false, 0]);
  });

  it('counts the time in which it is not set, and not the lateness of a step', () => {
    const clock = new ManualClock();
    const timer = new AnswerTimer(clock, 1000);
    clock.suspend(5000);
    expect(timer.now()).toBe(5000);
    timer.set(6000, () => undefined);
    clock.suspend(251);
    // Noticed before the timer fires, too.
    expect([timer.now(), timer.now()]).toEqual([5250, 5250]);
    clock.advance(0);
    clock.advance(100);
    expect(timer.now()).toBe(5350);
  });
});
