import { WholeNumberPipe } from './whole-number.pipe.js';

const metadata = { type: 'query', data: 'seconds' } as const;
const pipe = new WholeNumberPipe({ min: 1, max: 3600, fallback: 300 });

describe('WholeNumberPipe', () => {
  it('accepts whole numbers of the range, including its ends', () => {
    expect(['1', '17', '3600'].map((value) => pipe.transform(value, metadata))).toEqual([1, 17, 3600]);
  });

  it('uses the fallback for a parameter that was not sent', () => {
    expect(pipe.transform(undefined, metadata)).toBe(300);
    expect(new WholeNumberPipe({ min: 0, max: 9, fallback: undefined }).transform(undefined, metadata)).toBe(
      undefined,
    );
  });

  it.each(['0', '3601', '-1', '1.5', '1e3', '0x10', ' 7', '', 'NaN', '9'.repeat(40), ['1', '2'], { a: '1' }])(
    'answers %p with 400',
    (value) => {
      expect(() => pipe.transform(value, metadata)).toThrow('seconds must be a whole number from 1 to 3600.');
    },
  );
});
