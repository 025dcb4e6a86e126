import { nowMs, utcTimestamp } from './utc-timestamp.js';

describe('utcTimestamp', () => {
  it('writes date, space and time in UTC, with six digits after the second', () => {
    expect(utcTimestamp(Date.UTC(2023, 2, 5, 6, 4, 54) + 698.763)).toBe('2023-03-05 06:04:54.698763');
    expect(utcTimestamp(Date.UTC(2023, 2, 5, 6, 4, 54))).toBe('2023-03-05 06:04:54.000000');
    expect(utcTimestamp(Date.UTC(2023, 11, 31, 23, 59, 59) + 0.007)).toBe('2023-12-31 23:59:59.000007');
  });

  it('follows the wall clock', () => {
    expect(Math.abs(nowMs() - Date.now())).toBeLessThan(1000);
  });
});
