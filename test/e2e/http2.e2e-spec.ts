import { Controller, NotFoundException, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
} from 'node:http2';
import type { ServerResponse } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import { Observable, Subject, mergeMap, startWith } from 'rxjs';
import { isSseError, Sse, SseConnection, SseConnections, SseSignal } from 'nestjs-event-stream';
import { ManualClock } from '../fixtures/manual-clock.js';
import { closeApps, makeApp, until } from './adapters.js';

const KIB = 'x'.repeat(1000);
const TOTAL = 2000;

let asked = 0;
let reasons: unknown[] = [];
let live: Subject<unknown>;
let bursts: Subject<void>;

@Controller()
class Http2Controller {
  @Sse('numbers')
  async *numbers() {
    yield 1;
    yield { type: 'two', id: '2', data: '二' };
  }
  @Sse('open')
  async *open(@SseSignal() signal: AbortSignal) {
    signal.addEventListener('abort', () => reasons.push(signal.reason));
    yield 'open';
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    yield 'bye';
  }
  @Sse('live')
  live() {
    return live;
  }
  @Sse('much')
  async *much(@SseSignal() signal: AbortSignal) {
    signal.addEventListener('abort', () => reasons.push(signal.reason));
    for (let i = 0; i < TOTAL; i++) {
      asked = i + 1;
      yield { id: String(i), data: KIB };
    }
  }
  @Sse('large')
  large() {
    return new Observable((subscriber) => {
      subscriber.next('é'.repeat(500_000));
      return () => undefined;
    });
  }
  @Sse('burst', { overflow: { maxBytes: 10_000 } })
  burst(@SseConnection() connection: SseConnection) {
    connection.signal.addEventListener('abort', () => reasons.push(connection.signal.reason));
    return bursts.pipe(
      startWith(undefined),
      mergeMap(() => Array.from({ length: 1000 }, () => KIB)),
    );
  }
  @Sse('missing')
  missing(): never {
    throw new NotFoundException('Not here.');
  }
}

/** One response over HTTP/2, read as it arrives or never. */
class Exchange {
  headers: IncomingHttpHeaders = {};
  body = '';
  bytes = 0;
  ended = false;
  closed = false;

  constructor(readonly stream: ClientHttp2Stream) {
    stream.setEncoding('utf8');
    stream.on('response', (headers) => (this.headers = headers));
    stream.on('end', () => (this.ended = true));
    stream.on('close', () => (this.closed = true));
    stream.on('error', () => undefined);
  }

  read(): this {
    this.stream.on('data', (text: string) => {
      this.body += text;
      this.bytes += text.length;
    });
    this.stream.resume();
    return this;
  }
  async isOpen(): Promise<void> {
    await until(() => this.headers[':status'] !== undefined, 'the head');
  }
  async isClosed(): Promise<void> {
    await until(() => this.closed, 'the end of the stream');
  }
}

const tls = {
  key: readFileSync('test/fixtures/tls/key.pem'),
  cert: readFileSync('test/fixtures/tls/cert.pem'),
};

describe.each([
  ['in the clear, with prior knowledge', { http2: true }, 'http'],
  ['over TLS', { http2: true, https: tls }, 'https'],
] as const)('HTTP/2 %s', (_how, options, scheme) => {
  let app: INestApplication;
  let clock: ManualClock;
  let session: ClientHttp2Session;
  let sessions: ServerHttp2Session[];
  let spoil: (response: ServerResponse) => void;

  beforeEach(async () => {
    spoil = () => undefined;
    asked = 0;
    reasons = [];
    live = new Subject();
    bursts = new Subject();
    clock = new ManualClock();
    app = await makeApp('fastify', {
      controllers: [Http2Controller],
      platform: new FastifyAdapter(options as never),
      sse: { heartbeat: false },
      clock,
      setUp: (made) =>
        void made.use((_request: object, response: ServerResponse, next: () => void) => {
          spoil(response);
          next();
        }),
    });
    sessions = [];
    app.getHttpServer().on('session', (made: ServerHttp2Session) => sessions.push(made));
    const { port } = app.getHttpServer().address() as AddressInfo;
    session = connect(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false });
    session.on('error', () => undefined);
  });
  afterEach(async () => {
    session.destroy();
    await closeApps();
  });

  it('is not blocked by a write() that drops its result and its callback', async () => {
    spoil = (response) => {
      const { write } = response;
      response.write = ((chunk: unknown) => void Reflect.apply(write, response, [chunk])) as never;
    };
    const large = request('/large').read();
    const expected = `:\ndata: ${'é'.repeat(500_000)}\n\n`;
    await until(() => large.body.length >= expected.length, 'the large event');
    expect(large.body === expected).toBe(true);
    const much = request('/much').read();
    await much.isClosed();
    expect([much.ended, much.body.endsWith(`id: ${TOTAL - 1}\ndata: ${KIB}\n\n`)]).toEqual([true, true]);
    large.stream.close();
    await until(() => app.get(SseConnections).count() === 0, 'the release');
  });

  const request = (path: string, headers = {}): Exchange =>
    new Exchange(session.request({ ':path': path, accept: 'text/event-stream', ...headers }));
  const connections = (): SseConnections => app.get(SseConnections);
  const count = (): number => connections().count();

  it('a stream has the same bytes, and its head has no connection-specific fields', async () => {
    const exchange = request('/numbers').read();
    await exchange.isClosed();
    expect(exchange.body).toBe(':\ndata: 1\n\nevent: two\nid: 2\ndata: 二\n\n');
    const { date, ...headers } = exchange.headers;
    expect(date).toBeDefined();
    expect(Object.fromEntries(Object.entries(headers))).toEqual({
      ':status': 200,
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
  });

  it('an error before the stream is an ordinary answer; HEAD and 204 have no body', async () => {
    const missing = request('/missing').read();
    const head = request('/numbers', { ':method': 'HEAD' }).read();
    const stayAway = request('/numbers', { 'last-event-id': '~end' }).read();
    for (const exchange of [missing, head, stayAway]) await exchange.isClosed();
    expect(missing.headers[':status']).toBe(404);
    expect(JSON.parse(missing.body)).toMatchObject({ message: 'Not here.' });
    expect([head.headers[':status'], head.headers['content-type'], head.body]).toEqual([
      200,
      'text/event-stream',
      '',
    ]);
    expect([stayAway.headers[':status'], stayAway.body]).toEqual([204, '']);
    expect(count()).toBe(0);
  });

  describe('a client that leaves', () => {
    it('resets its stream, and the other streams of its session continue', async () => {
      const [going, staying] = [request('/open').read(), request('/live').read()];
      await until(() => count() === 2 && going.body !== '');
      going.stream.close(constants.NGHTTP2_CANCEL);
      await until(() => count() === 1);
      expect(isSseError(reasons[0], 'SSE_CLIENT_GONE')).toBe(true);
      live.next('still here');
      await until(() => staying.body.includes('still here'));
      expect(session.closed).toBe(false);
    });

    // Node's own client does so with `stream.close()`; Node's server then waits for a write that never ends.
    it.each([false, true])(
      'resets streams without an error code while they are written (its session, too: %p)',
      async (andSession) => {
        const going = Array.from({ length: 20 }, () => request('/much'));
        for (const exchange of going) await exchange.isOpen();
        await until(() =>
          connections()
            .list()
            .every(({ queuedBytes }) => queuedBytes > 0),
        );
        for (const { stream } of going) stream.close(constants.NGHTTP2_NO_ERROR);
        if (andSession) session.destroy();
        // Found by the check for stalled clients, long before the stream would be one.
        await until(() => {
          clock.advance(100);
          return count() === 0;
        });
        expect(reasons).toHaveLength(20);
        expect(reasons.every((reason) => isSseError(reason, 'SSE_CLIENT_GONE'))).toBe(true);
      },
    );

    it('resets such streams, and they do not delay the shutdown of the application', async () => {
      const going = Array.from({ length: 20 }, () => request('/much'));
      for (const exchange of going) await exchange.isOpen();
      for (const { stream } of going) stream.close(constants.NGHTTP2_NO_ERROR);
      let closed = false;
      void app.close().then(() => (closed = true));
      await until(() => {
        clock.advance(100);
        return closed;
      }, 'the end of the application');
      expect(count()).toBe(0);
    });

    it('ends all its streams when it closes its session', async () => {
      for (let i = 0; i < 20; i++) request('/open').read();
      await until(() => count() === 20);
      session.destroy();
      await until(() => count() === 0 && reasons.length === 20);
    });

    it('is noticed before the head, too', async () => {
      const exchange = request('/live');
      exchange.stream.close(constants.NGHTTP2_CANCEL);
      await exchange.isClosed();
      await until(() => count() === 0);
    });
  });

  describe('a client that does not read one of its streams', () => {
    it('receives no more than windows and buffers hold, and then the rest', async () => {
      const exchange = request('/much');
      await exchange.isOpen();
      await until(() => connections().list()[0]?.queuedBytes !== 0);
      for (let last = -1; last !== asked;) {
        last = asked;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(asked).toBeLessThan(TOTAL / 4);
      exchange.read();
      await exchange.isClosed();
      const ids = [...exchange.body.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
      expect(ids).toEqual(Array.from({ length: TOTAL }, (_, i) => i));
    });

    it('receives the others without delay', async () => {
      const stalled = request('/much');
      await stalled.isOpen();
      const other = request('/live').read();
      await other.isOpen();
      for (let i = 0; i < 100; i++) {
        live.next(i);
        await until(() => other.body.includes(`data: ${i}\n`));
      }
      expect(count()).toBe(2);
    });

    it('loses only that stream when it stalls', async () => {
      const stalled = request('/much');
      await stalled.isOpen();
      const other = request('/live').read();
      await until(() => other.body === ':\n' && (connections().list()[0]?.queuedBytes ?? 0) > 0);
      for (let i = 0; i < 8 && count() === 2; i++) {
        clock.advance(5000);
        // Data of other streams of the session does not count as progress of this one.
        live.next(KIB);
        await until(() => other.body.split(KIB).length === i + 2);
      }
      expect(count()).toBe(1);
      expect(isSseError(reasons[0], 'SSE_STALLED')).toBe(true);
      stalled.read();
      await stalled.isClosed();
      expect(stalled.stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
      expect(session.closed).toBe(false);
      live.next('alive');
      await until(() => other.body.includes('alive'));
    });

    it('has not stalled while it takes parts of a large event', async () => {
      const exchange = request('/large');
      await exchange.isOpen();
      const queued = (): number | undefined => connections().list()[0]?.queuedBytes;
      const whole = (): boolean => exchange.body.endsWith('\n\n');
      // One window now and then: less than the whole event within `stallMs`. Only the progress that the
      // server sees counts, and the client reads data that was sent some time ago.
      for (let i = 0; i < 100 && !whole(); i++) {
        const before = queued();
        while (queued() === before && !whole()) exchange.body += await chunk(exchange);
        clock.advance(20_000);
        expect(count()).toBe(1);
      }
      expect(exchange.body).toBe(`:\ndata: ${'é'.repeat(500_000)}\n\n`);
    });

    it('loses only a stream that overflows', async () => {
      const other = request('/live').read();
      await other.isOpen();
      const exchange = request('/burst');
      await exchange.isOpen();
      // The client could not have read anything of the first burst, however large it is. The second burst finds it
      // unread.
      await until(() => (connections().list()[1]?.queuedBytes ?? 0) > 500 * KIB.length);
      expect([count(), reasons]).toEqual([2, []]);
      bursts.next();
      await until(() => isSseError(reasons[0], 'SSE_OVERFLOW'));
      exchange.read();
      await exchange.isClosed();
      expect(exchange.stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
      expect([count(), session.closed]).toEqual([1, false]);
    });
  });

  it('the socket of the session, and its timeouts, are unchanged', async () => {
    await request('/numbers').read().isClosed();
    const spies = [
      ...(['setTimeout', 'setKeepAlive', 'setNoDelay'] as const).map((name) =>
        jest.spyOn(Socket.prototype, name),
      ),
      jest.spyOn(sessions[0] as ServerHttp2Session, 'setTimeout'),
    ];
    const exchange = request('/open').read();
    await until(() => exchange.body.includes('open'));
    exchange.stream.close(constants.NGHTTP2_CANCEL);
    await until(() => count() === 0);
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it('an application that shuts down sends GOAWAY, ends its streams and then the session', async () => {
    const exchanges = Array.from({ length: 10 }, () => request('/open').read());
    await until(() => exchanges.every(({ body }) => body.includes('open')));
    let goaway = false;
    session.on('goaway', () => (goaway = true));
    await app.close();
    for (const exchange of exchanges) {
      await exchange.isClosed();
      expect(exchange.body).toMatch(/^:\ndata: open\n\nretry: \d+\n\ndata: bye\n\n$/);
    }
    await until(() => goaway && session.destroyed);
  });
});

/** The bytes that have arrived and were not read, at once. */
async function chunk({ stream }: Exchange): Promise<string> {
  let text: string | null = null;
  await until(() => (text = stream.read() as string | null) !== null || stream.closed, 'another piece');
  return text ?? '';
}
