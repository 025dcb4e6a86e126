import { sessionOf, takenBySession } from './http2-session.js';

const http1 = { httpVersionMajor: 1 };
const http2 = { httpVersionMajor: 2 };

/** A response over HTTP/2 whose session has this socket. */
const overSession = (socket: object) => ({
  req: http2,
  // Like the proxy of Node, whose off() returns the real socket.
  stream: { session: { socket: { off: () => socket } } },
});

describe('sessionOf()', () => {
  it('is the session of a response over HTTP/2', () => {
    const session = {};
    expect(sessionOf({ req: http2, stream: { session } } as never)).toBe(session);
  });

  it.each([
    ['over HTTP/1', { req: http1, stream: { session: {} } }],
    ['whose session has closed', { req: http2, stream: {} }],
    ['whose stream has closed', { req: http2, stream: undefined }],
  ])('is undefined for a response %s', (_what, response) => {
    expect(sessionOf(response as never)).toBe(undefined);
    expect(takenBySession(response as never)).toBe(undefined);
  });
});

describe('takenBySession()', () => {
  it.each<[what: string, handle: object | undefined, bytes: number | undefined]>([
    ['some bytes wait', { bytesWritten: 10, writeQueueSize: 4 }, 6],
    [
      'some bytes wait below TLS',
      { bytesWritten: 90, writeQueueSize: 1, _parent: { bytesWritten: 10, writeQueueSize: 4 } },
      6,
    ],
    ['no bytes wait', { bytesWritten: 10, writeQueueSize: 0 }, undefined],
    ['the socket does not count them', {}, undefined],
    ['the socket has closed', undefined, undefined],
  ])('has the bytes that the kernel has taken, if %s', (_what, _handle, bytes) => {
    expect(takenBySession(overSession({ _handle }) as never)).toBe(bytes);
  });
});
