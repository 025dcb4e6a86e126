import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { SharedTimers } from '../time/shared-timers.js';
import { StallWatch, unsentBytes, type Backlog } from './stall-watch.js';

/** A client with unread bytes. */
class FakeBacklog implements Backlog {
  stalls: boolean[] = [];
  awaited = true;
  sessionBytesNow: number | undefined;
  private left: number;

  constructor(public bytes: number) {
    this.left = bytes;
  }
  give(bytes: number): void {
    this.bytes += bytes;
    this.left += bytes;
  }
  take(bytes: number): void {
    this.left -= bytes;
  }
  unsent(): number {
    return this.left;
  }
  sessionBytes(): number | undefined {
    return this.sessionBytesNow;
  }
  stalled(sessionToo: boolean): void {
    this.stalls.push(sessionToo);
  }
  gone(): void {
    throw new Error('unexpected');
  }
}

function watching(backlog = new FakeBacklog(1_000_000)): {
  clock: ManualClock;
  backlog: FakeBacklog;
  take: (bytes: number) => void;
  stalls: () => number;
  watch: StallWatch;
} {
  const clock = new ManualClock();
  const watch = new StallWatch(backlog, new SharedTimers(clock), 30_000);
  watch.start();
  return { clock, backlog, watch, take: (bytes) => backlog.take(bytes), stalls: () => backlog.stalls.length };
}

describe('a client with unread bytes', () => {
  it('is reported if it reads nothing for stallMs, at most a quarter of that later', () => {
    const { clock, stalls } = watching();
    clock.advance(29_999);
    expect(stalls()).toBe(0);
    clock.advance(10_000);
    expect(stalls()).toBe(1);
  });

  it('is not reported if it reads a kilobyte per second', () => {
    const { clock, take, stalls } = watching();
    for (let i = 0; i < 900; i++) {
      clock.advance(1000);
      take(1024);
    }
    expect(stalls()).toBe(0);
    clock.advance(40_000);
    expect(stalls()).toBe(1);
  });

  it('is not reported if it reads one byte within stallMs', () => {
    const { clock, take, stalls } = watching();
    for (let i = 0; i < 10; i++) {
      clock.advance(22_000);
      take(1);
    }
    expect(stalls()).toBe(0);
  });

  it('is no longer watched after stop()', () => {
    const { clock, watch, stalls } = watching();
    clock.advance(20_000);
    watch.stop();
    clock.advance(100_000);
    expect([stalls(), clock.size]).toEqual([0, 0]);
  });

  it('has the whole stallMs again after start()', () => {
    const { clock, watch, stalls } = watching();
    clock.advance(20_000);
    watch.stop();
    watch.start();
    clock.advance(29_000);
    expect(stalls()).toBe(0);
  });

  it.each([7400, 14_900, 40_000])(
    'has one more interval after this process was suspended for %i ms',
    (ms) => {
      const { clock, backlog } = watching(Object.assign(new FakeBacklog(10), { sessionBytesNow: 5000 }));
      clock.advance(22_700);
      clock.suspend(ms);
      clock.advance(7000);
      expect(backlog.stalls).toEqual([]);
      clock.advance(8000);
      expect(backlog.stalls).toEqual([true]);
    },
  );

  it('is reported even if more is written meanwhile', () => {
    const { clock, backlog } = watching();
    for (let i = 0; i < 20; i++) {
      clock.advance(2000);
      backlog.give(10);
    }
    expect(backlog.stalls).toEqual([false]);
  });

  it('is no longer watched once it has read everything and no text waits', () => {
    const { clock, backlog } = watching(Object.assign(new FakeBacklog(10), { awaited: false }));
    backlog.take(10);
    clock.advance(100_000);
    expect([backlog.stalls, clock.size]).toEqual([[], 0]);
  });

  it('is reported if it has read everything, text waits, and the response does not drain', () => {
    const { clock, backlog } = watching(new FakeBacklog(10));
    backlog.take(10);
    clock.advance(29_000);
    expect(backlog.stalls).toEqual([]);
    clock.advance(20_000);
    expect(backlog.stalls).toEqual([false]);
  });

  it.each<[what: string, after: (before: number) => number | undefined, sessionToo: boolean]>([
    ['with its session if no byte of the session moves', (before) => before, true],
    ['without its session if other streams are read', (before) => before + 1, false],
    ['without its session if no byte of the session waits', () => undefined, false],
  ])('is reported %s', (_what, after, sessionToo) => {
    const { clock, backlog } = watching(Object.assign(new FakeBacklog(10), { sessionBytesNow: 5000 }));
    clock.advance(20_000);
    backlog.sessionBytesNow = after(5000);
    clock.advance(20_000);
    expect(backlog.stalls).toEqual([sessionToo]);
  });
});

describe('unsentBytes()', () => {
  const http1 = { httpVersionMajor: 1 };
  const http2 = { httpVersionMajor: 2 };

  it.each<[what: string, response: object, bytes: number]>([
    ['of a response and its socket', { writableLength: 5, socket: { _handle: { writeQueueSize: 7 } } }, 12],
    [
      'of a response over TLS and the socket below it',
      { writableLength: 5, socket: { _handle: { writeQueueSize: 7, _parent: { writeQueueSize: 11 } } } },
      23,
    ],
    ['of a response whose socket has closed', { writableLength: 5, socket: { _handle: null } }, 5],
    ['of a response that waits for its socket', { writableLength: 5, socket: null }, 5],
    ['of a mock that does not count them', { socket: {} }, 0],
    ['of a mock without a request', { req: undefined, writableLength: 5 }, 5],
    [
      'of an HTTP/2 stream, and not those of its session',
      {
        req: http2,
        stream: { bufferSize: 9 },
        writableLength: 5,
        socket: { _handle: { writeQueueSize: 7 } },
      },
      9,
    ],
    ['of an HTTP/2 stream that was closed', { req: http2, stream: undefined, writableLength: 5 }, 0],
  ])('are those %s', (_what, response, bytes) => {
    expect(unsentBytes({ req: http1, ...response } as never)).toBe(bytes);
  });
});
