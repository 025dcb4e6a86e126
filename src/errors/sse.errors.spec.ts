import { isSseError, quoted, SseError } from './sse.errors.js';

describe('SseError', () => {
  it('has a code, a message with its remedy, the values that led to it, and a cause', () => {
    const cause = new Error('behind it');
    const error = new SseError('SSE_STALLED', 'It stalled.', {
      remedy: 'Read on.',
      context: { ms: 5 },
      cause,
    });
    expect(error).toMatchObject({
      name: 'SseError',
      code: 'SSE_STALLED',
      message: 'It stalled. Read on.',
      context: { ms: 5 },
      cause,
    });
    expect(error).toBeInstanceOf(Error);
    expect(new SseError('SSE_ENDED', 'Over.')).toMatchObject({ message: 'Over.', context: {} });
    expect('cause' in new SseError('SSE_ENDED', 'Over.')).toBe(false);
  });
});

describe('isSseError()', () => {
  it('recognizes an error by its name and code, of this copy of the package or another', () => {
    const own = new SseError('SSE_ENDED', '');
    const copy = Object.assign(new Error('of the other copy'), { name: 'SseError', code: 'SSE_ENDED' });
    for (const error of [own, copy]) {
      expect(isSseError(error)).toBe(true);
      expect(isSseError(error, 'SSE_ENDED')).toBe(true);
      expect(isSseError(error, 'SSE_CLOSED')).toBe(false);
    }
  });

  it.each([new Error('SseError'), { name: 'SseError', code: 'SSE_ENDED' }, null, undefined, 'SSE_ENDED'])(
    'does not accept %p',
    (other) => {
      expect(isSseError(other)).toBe(false);
    },
  );
});

describe('a value in a message', () => {
  const throws = {
    get constructor(): never {
      throw new Error('no name');
    },
  };
  it.each<[unknown, string]>([
    ['text', '"text"'],
    [(async function* () {})(), '[object AsyncGenerator]'],
    ['a\n"b"', '"a\\n\\"b\\""'],
    ['a\x7f\x9b2J\u2028', '"a\\u007f\\u009b2J\\u2028"'],
    [7, '7'],
    [NaN, 'NaN'],
    [1n, '1n'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Symbol('s'), 'Symbol(s)'],
    [function make() {}, 'function make'],
    [() => undefined, 'function (anonymous)'],
    [{ a: 1 }, '{"a":1}'],
    [{ a: 1n }, '[object Object]'],
    [{ toJSON: () => undefined }, '[object Object]'],
    [[1, 2], 'an instance of Array'],
    [new Date(0), 'an instance of Date'],
    [Object.create(null), '{}'],
    [throws, '[object Object]'],
    ['x'.repeat(59), `"${'x'.repeat(59)}… (61 characters)`],
    ['x'.repeat(58), `"${'x'.repeat(58)}"`],
  ])('%# is on one line and short', (value, text) => {
    expect(quoted(value)).toBe(text);
  });
});
