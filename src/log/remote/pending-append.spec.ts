import { Deadlines, PendingAppend } from './pending-append.js';

/** Deadlines of 100 ms on a clock whose one timer fires when the test says so. */
function deadlines() {
  let timer: { run: () => void; dueAt: number } | undefined;
  const state = { now: 0, expired: [] as string[] };
  const clock = {
    now: () => state.now,
    schedule: (run: () => void, ms: number) => (timer = { run, dueAt: state.now + ms }),
    cancel: (handle: unknown) => {
      if (handle === timer) timer = undefined;
    },
  };
  const made = new Deadlines(clock as never, (append) => {
    append.reject(new Error('late'));
    state.expired.push(append.channel);
  });
  return {
    ...{ state, made },
    add(channel: string) {
      const append = new PendingAppend(channel, [], state.now + 100, () => undefined);
      append.positions.catch(() => undefined);
      made.add(append);
      return append;
    },
    /** The timer fires, `lateMs` after it was due. Returns when that was, or `undefined` without a timer. */
    fire(lateMs = 0): number | undefined {
      const fired = timer;
      timer = undefined;
      if (fired) state.now = fired.dueAt + lateMs;
      fired?.run();
      return fired && state.now;
    },
  };
}

describe('the deadlines of appends', () => {
  it('reject each append when its time is up, with one timer, and leave out those that are settled', () => {
    const { state, add, fire } = deadlines();
    add('a');
    state.now = 20;
    add('b').resolve([]);
    state.now = 30;
    add('c');
    expect([fire(), state.expired]).toEqual([100, ['a']]);
    expect([fire(), state.expired]).toEqual([130, ['a', 'c']]);
    expect(fire()).toBeUndefined();
  });

  it('do not judge in the turn after the process was suspended: answers that have arrived are read first', () => {
    const { state, add, fire } = deadlines();
    const [answered] = [add('a'), add('b')];
    expect([fire(5000), state.expired]).toEqual([5100, []]);
    answered.resolve([]);
    // It must not take longer than that, however late the next timer is.
    expect([fire(), state.expired]).toEqual([5150, ['b']]);
  });

  it('judge at once if the timer is a little late, as timers are', () => {
    const { state, add, fire } = deadlines();
    add('a');
    fire(49);
    expect(state.expired).toEqual(['a']);
  });

  it('have no timer once they are cleared', () => {
    const { add, made, fire, state } = deadlines();
    add('a');
    made.clear();
    expect([fire(), state.expired]).toEqual([undefined, []]);
  });
});
