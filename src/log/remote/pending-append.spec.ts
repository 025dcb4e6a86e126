import { jest } from '@jest/globals';
import type { LogPosition } from '../cursor.js';
import { Deadlines, PendingAppend } from './pending-append.js';

/** Deadlines on a clock whose one timer fires when the test says so. */
function deadlines(waitMs = 100, defer = (run: () => void): unknown => run()) {
  let timer: { run: () => void; dueAt: number } | undefined;
  const state = { now: 0, expired: [] as string[] };
  const clock = {
    now: () => state.now,
    schedule: (run: () => void, ms: number) => (timer = { run, dueAt: state.now + ms }),
    cancel: (handle: unknown) => {
      if (handle === timer) timer = undefined;
    },
    defer,
  };
  const made = new Deadlines(clock as never, waitMs, (append) => {
    append.reject(new Error('late'));
    state.expired.push(append.channel);
  });
  return {
    ...{ state, made },
    add(channel: string) {
      const append = new PendingAppend(channel, [], () => undefined);
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
    add('b').resolve();
    state.now = 30;
    add('c');
    expect([fire(), state.expired]).toEqual([100, ['a']]);
    expect([fire(), state.expired]).toEqual([130, ['a', 'c']]);
    expect(fire()).toBeUndefined();
  });

  it('wait once more after the process was suspended: answers that have arrived are read first', () => {
    const { state, add, fire } = deadlines();
    const [answered] = [add('a'), add('b')];
    expect([fire(5000), state.expired]).toEqual([5100, []]);
    answered.resolve();
    state.now = 5150;
    add('c');
    expect([fire(), state.expired]).toEqual([5200, ['b']]);
    expect([fire(), state.expired]).toEqual([5250, ['b', 'c']]);
  });

  it('wait once more only once, however late each timer is', () => {
    const { state, add, fire } = deadlines();
    add('a');
    fire(200);
    state.now = 350;
    add('b');
    expect([fire(60), state.expired]).toEqual([460, ['a']]);
    expect([fire(60), state.expired]).toEqual([620, ['a', 'b']]);
  });

  it('wait once more only if they need it', () => {
    const { state, add, fire } = deadlines(1000);
    add('a').resolve();
    state.now = 900;
    const b = add('b');
    fire(60);
    expect([state.now, b.deadline]).toEqual([1060, 1900]);
    expect([fire(5000), state.expired]).toEqual([6900, []]);
    expect([fire(), state.expired]).toEqual([7900, ['b']]);
  });

  it('read what the sockets have before they judge', () => {
    const deferred: (() => void)[] = [];
    const { add, fire, state } = deadlines(100, (run) => deferred.push(run));
    const answered = [add('a'), add('b')][0]!;
    fire(20);
    expect(state.expired).toEqual([]);
    answered.resolve();
    deferred.shift()?.();
    expect(state.expired).toEqual(['b']);
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

describe('an append', () => {
  it('that the log has accepted is not rejected', async () => {
    const append = new PendingAppend('orders', [], () => undefined);
    append.accept(['1' as LogPosition]);
    append.reject(new Error('the server is gone'));
    expect(await append.positions).toEqual(['1']);
  });

  it('is settled once', async () => {
    const onSettled = jest.fn();
    const append = new PendingAppend('orders', [], onSettled);
    append.reject(new Error('the first'));
    append.reject(new Error('the second'));
    append.resolve();
    await expect(append.positions).rejects.toThrow('the first');
    expect([append.settled, onSettled.mock.calls.length]).toEqual([true, 1]);
  });
});
