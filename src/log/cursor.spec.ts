import fc from 'fast-check';
import { channelKey, formatCursor, isCursor, parseCursor } from './cursor.js';

describe('a channel key', () => {
  it('is made for any name of 1 to 256 bytes without control characters', () => {
    const names = ['__proto__', 'constructor', 'a', 'x'.repeat(256), 'é'.repeat(128), 'orders:7/é ☃'];
    expect(names.map((name) => channelKey(name).name)).toEqual(names);
  });

  it.each([
    ['', 'is empty'],
    ['x'.repeat(257), 'is too long'],
    ['é'.repeat(129), 'is too long'],
    ['x'.repeat(4096), 'is too long'],
    ['a\nb', 'has control characters'],
    ['a\0', 'has control characters'],
    ['\u007f', 'has control characters'],
    ['\u0085', 'has control characters'],
    ['a\ud800b', 'has control characters or lone surrogates'],
    [7, 'is not a string'],
    [undefined, 'is not a string'],
    [['a'], 'is not a string'],
  ])('rejects %p', (name, problem) => {
    expect(() => channelKey(name as string)).toThrow(
      expect.objectContaining({ code: 'SSE_INVALID_CHANNEL', message: expect.stringContaining(problem) }),
    );
  });

  it('has a tag of six letters and digits, the same for the same name', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), (text) => {
        const name = `x${text.replace(/[\p{Cc}]/gu, '')}`;
        expect(channelKey(name).tag).toMatch(/^[0-9a-z]{6}$/);
        expect(channelKey(name)).toEqual(channelKey(name));
      }),
    );
  });

  it('has different tags for thousands of names', () => {
    const tags = new Set(Array.from({ length: 5000 }, (_, i) => channelKey(`user:${i}`).tag));
    expect(tags.size).toBeGreaterThan(4997);
  });
});

describe('a cursor', () => {
  const position = fc
    .tuple(fc.stringMatching(/^[0-9a-z]{1,16}$/), fc.stringMatching(/^[0-9a-z_]{1,32}$/))
    .map(([epoch, offset]) => `${epoch}-${offset}`);

  it('is parsed to the positions of which it was made', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(position, { nil: undefined }), { minLength: 1, maxLength: 20 }),
        (given) => {
          const keys = given.map((_, i) => channelKey(`c${i}`));
          const known = keys.flatMap(({ tag }, i) => (given[i] === undefined ? [] : [[tag, given[i]]]));
          const cursor = formatCursor(keys, given);
          expect(cursor).toMatch(/^[!-~]*$/);
          if (known.length === 0) expect(cursor).toBe('');
          else expect([...(parseCursor(cursor) ?? [])]).toEqual(known);
        },
      ),
    );
  });

  it('contains an epoch once for consecutive channels with the same epoch', () => {
    const keys = ['a', 'b', 'c'].map(channelKey);
    const [a, b, c] = keys.map(({ tag }) => tag);
    expect(formatCursor(keys, ['e1-1', 'e1-z', 'e2-3'])).toBe(`${a}~e1-1.${b}~-z.${c}~e2-3`);
  });

  it.each([
    '',
    '5',
    '~end',
    'a~b-c',
    'abcdef~e1-',
    'abcdef~-',
    'abcdef~e1-1.',
    'abcdef~e1-1.x',
    'ABCDEF~e1-1',
  ])('is not parsed from %p', (text) => {
    expect(isCursor(text)).toBe(false);
    expect(parseCursor(text)).toBeUndefined();
  });

  it('is not parsed beyond 4096 characters', () => {
    const huge = `abcdef~e1-1${'.abcdef~-1'.repeat(100_000)}`;
    expect(isCursor(huge)).toBe(false);
  });
});
