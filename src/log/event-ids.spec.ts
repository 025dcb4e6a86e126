import fc from 'fast-check';
import { compareEventIds } from './event-ids.js';

describe('the order of own ids', () => {
  it('is that of whole numbers for digits, of any length', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 40n), fc.bigInt(0n, 10n ** 40n), fc.nat(3), (a, b, zeros) => {
        const expected = a < b ? -1 : a > b ? 1 : 0;
        expect(Math.sign(compareEventIds(`${'0'.repeat(zeros)}${a}`, `${b}`) ?? Number.NaN)).toBe(expected);
      }),
    );
  });

  it('is that of characters for texts of equal length', () => {
    expect(compareEventIds('01HF0000AB', '01HF0000B0')).toBeLessThan(0);
    expect(compareEventIds('2026-01-02T00:00Z', '2025-12-31T23:59Z')).toBeGreaterThan(0);
    expect(compareEventIds('abc', 'abc')).toBe(0);
  });

  it('does not exist for texts of different lengths', () => {
    expect(compareEventIds('a', 'bb')).toBeUndefined();
    expect(compareEventIds('10', 'b')).toBeUndefined();
  });
});
