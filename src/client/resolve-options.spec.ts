import { connect, type ConnectOptions } from 'nestjs-event-stream/client';

describe('options that cannot work', () => {
  it.each<[string, string, ConnectOptions, RegExp]>([
    [
      'an address without a scheme',
      'localhost:3000/sse',
      {},
      /^url "localhost:3000\/sse" is not a web address/,
    ],
    ['an address without a page to be relative to', '/sse', {}, /^url "\/sse" is not an absolute address/],
    [
      'an address with a password',
      'http://me:secret@localhost/',
      {},
      /^url "localhost" comes with a user name/,
    ],
    ['a method that cannot be sent', 'http://localhost/', { method: 'G T' }, /^method "G T" is not one/],
    ['a GET with a body', 'http://localhost/', { method: 'get', body: {} }, /^method "GET" sends no body/],
    ['no event at all', 'http://localhost/', { events: [] }, /^events .* names no event/],
    ['an id with a line break', 'http://localhost/', { after: '1\n2' }, /^after "1\\n2" is no last event ID/],
    [
      'a negative wait',
      'http://localhost/',
      { retry: { initialMs: -1 } },
      /^retry.initialMs -1 is out of range/,
    ],
    [
      'a wait that is not a number',
      'http://localhost/',
      { retry: { maxMs: NaN } },
      /^retry.maxMs NaN is out/,
    ],
    [
      'a factor that shrinks',
      'http://localhost/',
      { retry: { factor: 0.5 } },
      /^retry.factor 0.5 is out of range/,
    ],
    ['a jitter above 1', 'http://localhost/', { retry: { jitter: 2 } }, /^retry.jitter 2 .* from 0 to 1/],
    [
      'no attempt',
      'http://localhost/',
      { retry: { maxAttempts: 0 } },
      /^retry.maxAttempts 0 is out of range/,
    ],
    [
      'a first wait above the longest',
      'http://localhost/',
      { retry: { initialMs: 10, maxMs: 5 } },
      /^retry.initialMs 10 is above retry.maxMs, 5/,
    ],
    ['a watchdog without time', 'http://localhost/', { inactivityMs: 0 }, /^inactivityMs 0 is out of range/],
    ['a body that is a stream', 'http://localhost/', { body: new ReadableStream() }, /^body .* is a stream/],
  ])('%s is refused at once', (_name, url, options, message) => {
    expect(() => connect(url, options)).toThrow(
      expect.objectContaining({
        code: 'SSE_INVALID_OPTIONS',
        message: expect.stringMatching(message) as string,
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
