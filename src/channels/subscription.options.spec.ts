import { Channels } from './channels.js';

const channel = new Channels().channel('a');

/** The error of `subscribe()` with these options. */
function errorOf(options: object): { code: string; message: string; context: unknown } {
  try {
    channel.subscribe(options);
  } catch (error) {
    return error as never;
  }
  throw new Error('no error');
}

describe('subscribe()', () => {
  it('names the signal of a controller that is passed in its place', () => {
    expect(errorOf({ signal: new AbortController() }).message).toMatch(
      /an AbortSignal.*Pass its "signal"\.$/,
    );
  });

  it.each([['a string'], [null], [{}], [7]])('rejects the signal %p', (signal) => {
    const { code, message } = errorOf({ signal });
    expect([code, message]).toEqual(['SSE_INVALID_OPTIONS', expect.stringContaining('an AbortSignal')]);
    expect(message).not.toContain('Pass its');
  });

  it('rejects a snapshot that is not a function', () => {
    expect(errorOf({ snapshot: 1 })).toMatchObject({
      code: 'SSE_INVALID_OPTIONS',
      message: expect.stringContaining('a function that returns the state as events') as string,
    });
  });

  it.each([{ snapshot: () => 1 }, { fold: { initial: 0, step: () => 0, toEvents: () => 0 } }])(
    'rejects "from" with a state: %p',
    (state) => {
      expect(errorOf({ from: 'oldest', ...state })).toMatchObject({
        code: 'SSE_INVALID_OPTIONS',
        message: expect.stringMatching(
          /"from".*The state replaces the oldest events\. Leave "from" out\.$/,
        ) as string,
        context: { option: 'from', value: 'oldest' },
      });
      expect(() => channel.subscribe({ from: 'now', ...state })).not.toThrow();
    },
  );

  it('accepts an id of 4096 characters, and repeats no more of a longer one in its error', () => {
    expect(() => channel.subscribe({ after: 'x'.repeat(4096) })).not.toThrow();
    const { code, context } = errorOf({ after: 'x'.repeat(4097) });
    expect([code, context]).toEqual(['SSE_INVALID_CURSOR', { after: 'x'.repeat(4096) }]);
  });

  it.each([5, null, ['a']])('rejects the id %p, which is not text', (after) => {
    const { code, context } = errorOf({ after });
    expect([code, context]).toEqual(['SSE_INVALID_CURSOR', { after }]);
  });
});
