import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { expectAnswer } from './answer-timeout.js';

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
    clock.suspend(1049);
    clock.advance(0);
    cancel();
    await read();
    expect(state.expired).toBe(0);
  });

  it('expires if its timer is a little late, as timers are', async () => {
    const { clock, state } = expecting();
    clock.suspend(1049);
    clock.advance(0);
    await read();
    expect(state.expired).toBe(1);
  });

  it('waits once more after the process was suspended, and only once', async () => {
    const { clock, state } = expecting();
    clock.suspend(1050);
    clock.advance(999);
    await read();
    expect(state.expired).toBe(0);
    clock.suspend(5000);
    clock.advance(0);
    await read();
    expect([state.expired, clock.size]).toEqual([1, 0]);
  });

  it('never expires after it was canceled, also while it waits once more', async () => {
    for (const suspendedMs of [0, 2000]) {
      const { clock, state, cancel } = expecting();
      clock.suspend(suspendedMs);
      clock.advance(500);
      cancel();
      clock.advance(5000);
      await read();
      expect([state.expired, clock.size]).toEqual([0, 0]);
    }
  });
});
