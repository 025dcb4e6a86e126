import { jest } from '@jest/globals';
import { Pace, readSpeed } from './pace.js';

describe('Pace', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('divides every duration by the speed', () => {
    expect(new Pace(1).ms(250)).toBe(250);
    expect(new Pace(50).ms(1000)).toBe(20);
    expect(new Pace(0.5).ms(1000)).toBe(2000);
  });

  it('keeps every delay within the range that timers support', () => {
    expect(new Pace(1_000_000).ms(10)).toBe(1);
    expect(new Pace(0.000001).ms(3_600_000)).toBe(2 ** 31 - 1);
  });

  it('sleeps for the duration divided by the speed', async () => {
    let awake = false;
    const sleeping = new Pace(10).sleep(1000).then(() => (awake = true));
    await jest.advanceTimersByTimeAsync(99);
    expect(awake).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(awake).toBe(true);
    await sleeping;
  });

  it('wakes up when the signal aborts, and leaves neither a timer nor a listener behind', async () => {
    const leaving = new AbortController();
    const sleeping = new Pace(1).sleep(60_000, leaving.signal);
    leaving.abort();
    await sleeping;
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not sleep if the signal has already aborted', async () => {
    await new Pace(1).sleep(60_000, AbortSignal.abort());
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('readSpeed', () => {
  it('is real time unless DEMO_SPEED is set', () => {
    expect(readSpeed({})).toBe(1);
    expect(readSpeed({ DEMO_SPEED: '' })).toBe(1);
    expect(readSpeed({ DEMO_SPEED: '50' })).toBe(50);
    expect(readSpeed({ DEMO_SPEED: '0.25' })).toBe(0.25);
  });

  it.each(['0', '-1', 'fast', 'NaN', 'Infinity', '1x'])(
    'rejects %p and says which values are valid',
    (value) => {
      expect(() => readSpeed({ DEMO_SPEED: value })).toThrow(
        `DEMO_SPEED is "${value}": it must be a positive number, 1 for real time or 50 for a test.`,
      );
    },
  );
});
