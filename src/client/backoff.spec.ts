import fc from 'fast-check';
import { parseRetryAfter, reconnectDelay } from './backoff.js';

const RETRY = {
  initialMs: 1000,
  minMs: 0,
  maxMs: 30_000,
  maxServerMs: 3_600_000,
  factor: 2,
  jitter: 0,
  maxAttempts: Infinity,
};
const NONE = { failures: 0, serverRetryMs: undefined, retryAfterMs: undefined };

describe('the wait before a reconnect', () => {
  it('is initialMs after a stream broke or ended, and after the first failed attempt', () => {
    expect(reconnectDelay(NONE, RETRY, () => 0)).toBe(1000);
    expect(reconnectDelay({ ...NONE, failures: 1 }, RETRY, () => 0)).toBe(1000);
  });

  it('grows by factor up to maxMs', () => {
    const delays = [2, 3, 4, 5, 6, 7, 5000].map((failures) =>
      reconnectDelay({ ...NONE, failures }, RETRY, () => 0),
    );
    expect(delays).toEqual([2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('begins at the time that the server set, beyond maxMs too', () => {
    const delays = (serverRetryMs: number): number[] =>
      [0, 1, 2, 3].map((failures) => reconnectDelay({ ...NONE, failures, serverRetryMs }, RETRY, () => 0));
    expect(delays(50)).toEqual([50, 50, 100, 200]);
    expect(delays(60_000)).toEqual([60_000, 60_000, 60_000, 60_000]);
  });

  it('does not stay 0 while attempts fail, though the server said so', () => {
    const delays = [0, 1, 2, 3].map((failures) =>
      reconnectDelay({ ...NONE, failures, serverRetryMs: 0 }, RETRY, () => 0),
    );
    expect(delays).toEqual([0, 0, 2000, 4000]);
  });

  it('is never below its length without jitter, nor above it by more than the share', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 20 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, jitter, random) => {
          const plain = reconnectDelay({ ...NONE, failures }, RETRY, () => 0);
          const delay = reconnectDelay({ ...NONE, failures }, { ...RETRY, jitter }, () => random);
          expect(delay).toBeGreaterThanOrEqual(plain);
          expect(delay).toBeLessThanOrEqual(plain * (1 + jitter) + 1);
        },
      ),
    );
  });

  it('is no shorter than Retry-After', () => {
    expect(reconnectDelay({ ...NONE, retryAfterMs: 120_000 }, RETRY, () => 1)).toBe(120_000);
    expect(reconnectDelay({ ...NONE, retryAfterMs: 10 }, RETRY, () => 1)).toBe(1000);
  });
});

describe('what a server asks for', () => {
  const delay = (setback: object, random = 0): number =>
    reconnectDelay({ ...NONE, ...setback }, { ...RETRY, minMs: 500 }, () => random);

  it('is raised to minMs, with streams that open and attempts that fail', () => {
    expect(delay({ serverRetryMs: 0 })).toBe(500);
    expect(delay({ serverRetryMs: 499 })).toBe(500);
    expect(delay({ serverRetryMs: 501 })).toBe(501);
    expect([1, 2, 3].map((failures) => delay({ failures, serverRetryMs: 0 }))).toEqual([500, 1000, 2000]);
  });

  it('is cut at maxServerMs, in retry: as in Retry-After', () => {
    expect(delay({ serverRetryMs: 1e15 })).toBe(3_600_000);
    expect(delay({ retryAfterMs: 1e15 })).toBe(3_600_000);
    expect(delay({ serverRetryMs: Infinity, failures: 3 })).toBe(3_600_000);
    expect(delay({ serverRetryMs: 3_600_000 })).toBe(3_600_000);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('1994-11-06T08:49:30Z');

  it.each([
    ['7', 7000],
    ['0', 0],
    [' 12 ', 12_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 7000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 7000],
    ['Sun Nov  6 08:49:37 1994', 7000],
    ['Sun, 06 Nov 1994 08:49:00 GMT', 0],
    ['', undefined],
    ['soon', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['Sunday', undefined],
    [null, undefined],
  ])('%j is %p milliseconds', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});
