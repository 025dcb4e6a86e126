import { errorText, markPlace } from './error-text.js';
import { SseError } from './sse.errors.js';

const withStack = (error: Error, stack: string): Error =>
  Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true });

describe('an error in the log', () => {
  it('is its stack', () => {
    expect(errorText(withStack(new Error('a'), 'Error: a\n    at b'))).toBe('Error: a\n    at b');
  });

  it('has its code, and its nested errors with their codes', () => {
    const refused = withStack(
      Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
      'Error: refused\n    at net',
    );
    const away = withStack(
      new SseError('SSE_LOG_UNAVAILABLE', 'away', { cause: refused }),
      'SseError: away\n    at log',
    );
    const failed = withStack(new Error('failed', { cause: away }), 'Error: failed\n    at job');
    expect(errorText(failed)).toBe(
      [
        'Error: failed',
        '    at job',
        '  cause: SseError: away',
        '      at log',
        '    code: SSE_LOG_UNAVAILABLE',
        '    cause: Error: refused',
        '        at net',
        '      code: ECONNREFUSED',
      ].join('\n'),
    );
  });

  it('has all errors of an AggregateError', () => {
    const all = withStack(
      new AggregateError([withStack(new Error('a'), 'Error: a'), 'b'], 'both'),
      'AggregateError: both',
    );
    expect(errorText(all)).toBe('AggregateError: both\n  errors[0]: Error: a\n  errors[1]: "b"');
  });

  it('ends for a circular chain of causes', () => {
    const error = withStack(new Error('a'), 'Error: a') as Error & { cause: unknown };
    error.cause = error;
    expect(errorText(error).split('Error: a')).toHaveLength(7);
  });

  it.each([
    ['text', '"text"'],
    [undefined, 'undefined'],
    [{ a: 1 }, '{"a":1}'],
  ])('is the thrown value if it is not an Error: %p', (thrown, text) => {
    expect(errorText(thrown)).toBe(text);
  });

  it('has a cause that is not an Error', () => {
    expect(errorText(withStack(new Error('a', { cause: 'b' }), 'Error: a'))).toBe('Error: a\n  cause: "b"');
    expect(errorText(withStack(new Error('a', { cause: null }), 'Error: a'))).toBe('Error: a\n  cause: null');
  });
});

describe('the place of an error', () => {
  it('is the last line of its stack, once', () => {
    const error = withStack(new Error('a'), 'Error: a\n    at b');
    markPlace(error, 'C.d (GET /d)');
    markPlace(error, 'C.d (GET /d)');
    expect(error.stack).toBe('Error: a\n    at b\n    at C.d (GET /d)');
    expect([error.message, Object.keys(error)]).toEqual(['a', []]);
  });

  it('is omitted if the error cannot be changed', () => {
    // Node 22 and later allow setting the stack of a frozen error, unless it is an own property.
    const frozen = Object.freeze(withStack(new Error('a'), 'Error: a'));
    expect(Object.getOwnPropertyDescriptor(frozen, 'stack')?.writable).toBe(false);
    for (const thrown of [frozen, 'text', null, {}, Object.assign(new Error('a'), { stack: undefined })]) {
      expect(() => markPlace(thrown, 'C.d')).not.toThrow();
    }
    expect(frozen.stack).toBe('Error: a');
  });
});
