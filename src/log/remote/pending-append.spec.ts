import { jest } from '@jest/globals';
import { ManualClock } from '../../../test/fixtures/manual-clock.js';
import type { LogPosition } from '../cursor.js';
import { Deadlines, PendingAppend } from './pending-append.js';

/** Deadlines of 100 ms. */
function deadlines() {
  const clock = new ManualClock();
  const expired: string[] = [];
  const made = new Deadlines(clock, 100, (append) => {
    append.reject(new Error('late'));
    expired.push(append.channel);
  });
  const add = (channel: string): PendingAppend => {
    const append = new PendingAppend(channel, [], () => undefined);
    append.positions.catch(() => undefined);
    made.add(append);
    return append;
  };
  /** The timers fire, and then the sockets are read. */
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await new Promise(setImmediate);
  };
  return { clock, made, expired, add, advance };
}

describe('the deadlines of appends', () => {
  it('reject each append when its time is up, with one timer, and leave out those that are settled', async () => {
    const { clock, add, advance, expired } = deadlines();
    add('a');
    await advance(20);
    add('b').resolve();
    await advance(10);
    add('c');
    expect(clock.size).toBe(1);
    await advance(69);
    expect(expired).toEqual([]);
    await advance(1);
    expect(expired).toEqual(['a']);
    await advance(29);
    expect(expired).toEqual(['a']);
    await advance(1);
    expect([expired, clock.size]).toEqual([['a', 'c'], 0]);
  });

  it('read what has arrived before they judge', async () => {
    const { clock, add, expired } = deadlines();
    const [answered] = [add('a'), add('b')];
    clock.advance(100);
    answered.resolve();
    await new Promise(setImmediate);
    expect(expired).toEqual(['b']);
  });

  it('do not count the time in which this process was suspended, for any append that waited', async () => {
    const { clock, add, advance, expired } = deadlines();
    add('a');
    await advance(20);
    add('b');
    await advance(20);
    clock.suspend(5000);
    // Called after the process was resumed, before any timer.
    add('c');
    await advance(0);
    // Until the step that was due after 50 ms, this process is taken to be awake.
    await advance(49);
    expect(expired).toEqual([]);
    await advance(1);
    expect(expired).toEqual(['a']);
    await advance(20);
    expect(expired).toEqual(['a', 'b']);
    await advance(30);
    expect(expired).toEqual(['a', 'b', 'c']);
  });

  it('expire in order although this process is always late', async () => {
    const { clock, add, advance, expired } = deadlines();
    for (let i = 0; i < 12; i++) {
      add(`${i}`);
      clock.suspend(60);
      await advance(0);
    }
    // Four steps of 25 ms, each of them 35 ms late, take 240 ms.
    expect(expired).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
    for (let i = 0; i < 10; i++) await advance(10);
    expect([expired.length, clock.size]).toEqual([12, 0]);
  });

  it('count one lateness for each quarter of the time, however many appends wait', async () => {
    const { clock, add, advance, expired } = deadlines();
    for (let i = 0; i < 50; i++) {
      add(`${i}`);
      clock.suspend(10);
      await advance(0);
    }
    // Steps of 25 ms end after 30 ms.
    expect(expired.at(-1)).toBe('38');
  });

  it('have no timer once they are cleared', async () => {
    const { clock, add, advance, made, expired } = deadlines();
    add('a');
    made.clear();
    await advance(500);
    expect([expired, clock.size]).toEqual([[], 0]);
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
