import { keepOpen } from './response.js';

const http1 = { httpVersionMajor: 1 };
const http2 = { httpVersionMajor: 2 };

describe('keepOpen()', () => {
  function calls(silentMs: number, req: object): unknown[] {
    const made: unknown[] = [];
    const socket = {
      setTimeout: (ms: number) => made.push(['setTimeout', ms]),
      setKeepAlive: (...args: unknown[]) => made.push(['setKeepAlive', ...args]),
    };
    keepOpen({ req, socket } as never, silentMs);
    return made;
  }

  it('sends probes to a client only if nothing else is sent for more than 30 seconds', () => {
    expect(calls(30_000, http1)).toEqual([['setTimeout', 0]]);
    expect(calls(30_001, http1)).toEqual([
      ['setTimeout', 0],
      ['setKeepAlive', true, 30_000],
    ]);
    expect(calls(Infinity, http2)).toEqual([]);
  });

  it.each([null, undefined, {}])('accepts a mock with the socket %p', (socket) => {
    expect(() => keepOpen({ req: http1, socket } as never, Infinity)).not.toThrow();
  });
});
