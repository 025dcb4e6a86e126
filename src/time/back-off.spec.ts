import { backOffMs, retryMs } from './back-off.js';

const ATTEMPTS = Array.from({ length: 2000 }, (_, attempt) => attempt);

describe('backOffMs()', () => {
  it('doubles from 50 ms to 2 s, less up to a half', () => {
    for (const attempt of ATTEMPTS) {
      const pause = Math.min(50 * 2 ** attempt, 2000);
      expect(backOffMs(attempt)).toBeGreaterThanOrEqual(pause / 2);
      expect(backOffMs(attempt)).toBeLessThanOrEqual(pause);
    }
  });
});

describe('retryMs()', () => {
  it.each([
    [10_000, 2000],
    [300, 150],
    [51, 25],
    [1, 25],
    [false, 2000],
  ] as const)('with waitMs %p is never more than %d ms, and never 0', (waitMs, longest) => {
    const pauses = ATTEMPTS.map((attempt) => retryMs(attempt, waitMs));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(longest);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(Math.min(25, longest));
  });
});
