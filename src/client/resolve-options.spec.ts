import { connect, type ConnectOptions } from 'nestjs-event-stream/client';

function thrownBy(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('Nothing was thrown.');
}

describe('options that cannot work', () => {
  it.each<[string, string, ConnectOptions, option: string, value: string, remedy: string]>([
    [
      'an address without a scheme',
      'localhost:3000/sse',
      {},
      'url',
      '"localhost:3000/sse"',
      'absolute HTTP URL',
    ],
    ['an address without a page to be relative to', '/sse', {}, 'url', '"/sse"', 'absolute HTTP URL'],
    ['an address with a password', 'http://me:secret@localhost/', {}, 'url', '"localhost"', 'password'],
    ['a method that cannot be sent', 'http://localhost/', { method: 'G T' }, 'method', '"G T"', 'Use GET'],
    [
      'a GET with a body',
      'http://localhost/',
      { method: 'get', body: {} },
      'method',
      '"GET"',
      'to send a body',
    ],
    [
      'an option that does not exist',
      'http://localhost/',
      { inactivityMS: 1 } as ConnectOptions,
      'inactivityMS',
      '1',
      'Did you mean "inactivityMs"',
    ],
    [
      'an option of retry that does not exist',
      'http://localhost/',
      { retry: { max: 1 } as object },
      'retry.max',
      '1',
      'retry.max',
    ],
    ['no event at all', 'http://localhost/', { events: [] }, 'events', 'Array', 'a list of event names'],
    [
      'an id with a line break',
      'http://localhost/',
      { after: '1\n2' },
      'after',
      '"1\\n2"',
      'without NUL, CR and LF',
    ],
    [
      'a negative wait',
      'http://localhost/',
      { retry: { initialMs: -1 } },
      'retry.initialMs',
      '-1',
      'milliseconds',
    ],
    [
      'a wait that is not a number',
      'http://localhost/',
      { retry: { maxMs: NaN } },
      'retry.maxMs',
      'NaN',
      'milliseconds',
    ],
    [
      'a wait that no timer can keep',
      'http://localhost/',
      { retry: { maxServerMs: 1e15 } },
      'retry.maxServerMs',
      '1000000000000000',
      'milliseconds',
    ],
    [
      'a factor that shrinks',
      'http://localhost/',
      { retry: { factor: 0.5 } },
      'retry.factor',
      '0.5',
      '1 or more',
    ],
    ['a jitter above 1', 'http://localhost/', { retry: { jitter: 2 } }, 'retry.jitter', '2', 'from 0 to 1'],
    [
      'no attempt',
      'http://localhost/',
      { retry: { maxAttempts: 0 } },
      'retry.maxAttempts',
      '0',
      'a positive whole number',
    ],
    [
      'a first wait above the longest',
      'http://localhost/',
      { retry: { initialMs: 10, maxMs: 5 } },
      'retry.initialMs',
      '10',
      'Use 5 or less, or raise "retry.maxMs"',
    ],
    [
      'a shortest wait above the first',
      'http://localhost/',
      { retry: { minMs: 10, initialMs: 5 } },
      'retry.minMs',
      '10',
      'Use 5 or less, or raise "retry.initialMs"',
    ],
    [
      'a watchdog without time',
      'http://localhost/',
      { inactivityMs: 0 },
      'inactivityMs',
      '0',
      'milliseconds',
    ],
    [
      'an event of no length',
      'http://localhost/',
      { maxEventLength: 0 },
      'maxEventLength',
      '0',
      'a positive whole number',
    ],
    [
      'a signal that is not one',
      'http://localhost/',
      { signal: {} as AbortSignal },
      'signal',
      '{}',
      'AbortSignal',
    ],
    [
      'a callback that is not a function',
      'http://localhost/',
      { onRetry: 'log' as never },
      'onRetry',
      '"log"',
      'function',
    ],
  ])('%s is refused at once', (_name, url, options, option, value, remedy) => {
    const error = thrownBy(() => connect(url, options));
    expect(error).toMatchObject({ code: 'SSE_INVALID_OPTIONS', context: { option } });
    expect(error.message).toContain(`"${option}"`);
    expect(error.message).toContain(value);
    expect(error.message).toContain(remedy);
  });

  it('a body that is a stream is refused at once', () => {
    expect(() => connect('http://localhost/', { body: new ReadableStream() })).toThrow(
      expect.objectContaining({
        code: 'SSE_INVALID_OPTIONS',
        message: expect.stringMatching(/^connect\(\): The body .* is a stream/) as string,
      }),
    );
  });

  it('a body that JSON cannot express is refused at once', () => {
    const circular: { self?: object } = {};
    circular.self = circular;
    const refused = expect.objectContaining({ code: 'SSE_NOT_SERIALIZABLE' });
    expect(() => connect('http://localhost/', { body: circular })).toThrow(refused);
    expect(() => connect('http://localhost/', { body: { n: 1n } })).toThrow(refused);
    expect(() => connect('http://localhost/', { body: () => undefined })).toThrow(refused);
  });

  it('a long first wait raises the longest with it', () => {
    expect(() => connect('http://localhost/', { retry: { initialMs: 60_000 } })).not.toThrow();
  });
});
