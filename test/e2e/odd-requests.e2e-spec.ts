import { Controller, Post, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Socket } from 'node:net';
import { NEVER } from 'rxjs';
import { isSseError, Sse, SseConnection, SseConnections } from 'nestjs-event-stream';
import { ManualClock } from '../fixtures/manual-clock.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';

const BIG = 'x'.repeat(65_536);
let reasons: unknown[] = [];
let opened = 0;
/** Number of streams that one connection can have open: one that is sent, and those that may wait for it. */
const ONE_AND_WAITING = 9;

function remember({ signal }: SseConnection): void {
  signal.addEventListener('abort', () => reasons.push(signal.reason));
}

@Controller()
class OddController {
  @Sse('short')
  *short() {
    yield 1;
  }
  @Sse('open')
  open(@SseConnection() connection: SseConnection) {
    opened++;
    remember(connection);
    return NEVER;
  }
  @Sse('flood')
  async *flood(@SseConnection() connection: SseConnection) {
    remember(connection);
    for (;;) yield BIG;
  }
  @Post('body')
  body() {
    return { ok: true };
  }
}

const get = (path: string, ...lines: string[]): string =>
  ['GET', path, 'HTTP/1.1\r\nHost: x\r\n'].join(' ') + lines.map((line) => `${line}\r\n`).join('') + '\r\n';
const UNREAD = ['Content-Type: application/x-unread', 'Content-Length: 100000000'];

eachAdapter((adapter) => {
  let app: INestApplication;
  let clock: ManualClock;
  let logger: RecordingLogger;
  beforeEach(async () => {
    reasons = [];
    opened = 0;
    clock = new ManualClock();
    logger = new RecordingLogger();
    app = await makeApp(adapter, { controllers: [OddController], clock, logger });
  });
  afterEach(closeApps);

  const count = (): number => app.get(SseConnections).count();
  const gone = (): Promise<void> => until(() => count() === 0, 'that the client is gone');
  const STALLED =
    /^GET \/flood: connection 1 was cut off, because its client was too slow: it took nothing for "stallMs" \(30000\)\. [1-9]\d{4,} bytes were queued for it\.$/;
  const reason = (code: string): boolean => isSseError(reasons[0], code as 'SSE_ENDED');

  describe('a request whose body is never finished', () => {
    it('gets its stream, then the connection is closed, because the rest of the body is not awaited', async () => {
      const client = await RawClient.connect(app, get('/short', ...UNREAD) + 'some of it');
      await client.isClosed();
      expect(client.received).toMatch(/^HTTP\/1\.1 200 /);
      expect(client.body).toBe(':\ndata: 1\n\n');
    });

    it.each(['leave', 'reset'] as const)('ends when its client leaves (%s)', async (how) => {
      const client = await RawClient.connect(app, get('/open', ...UNREAD) + 'some of it');
      await client.receives('200 OK');
      client[how]();
      await gone();
      expect(reason('SSE_CLIENT_GONE')).toBe(true);
    });

    it('is found closed by the heartbeat, if the unread body hides the end of the socket', async () => {
      const client = await RawClient.connect(app, get('/open', ...UNREAD));
      await client.receives('200 OK');
      // The server stops reading, and does not notice the end of the connection.
      const block = Buffer.alloc(1 << 20);
      await until(() => {
        client.socket.write(block);
        return client.socket.writableLength > 20 << 20;
      });
      client.reset();
      await until(() => client.closed);
      for (let beats = 0; count() > 0 && beats < 5; beats++) {
        clock.advance(15_500);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await gone();
      expect(reason('SSE_CLIENT_GONE')).toBe(true);
    });
  });

  describe('a client that half-closes its connection', () => {
    it('counts as a client that leaves, as in Node', async () => {
      const client = await RawClient.connect(app, get('/open'));
      await client.receives('200 OK');
      client.halfClose();
      await gone();
      await client.isClosed();
    });

    it('and does not read is disconnected as stalled', async () => {
      const client = await RawClient.connect(app, get('/flood'));
      client.stall();
      await until(() => (app.get(SseConnections).list()[0]?.queuedBytes ?? 0) > 65_536);
      client.halfClose();
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        clock.advance(9000);
      }
      await gone();
      expect(isSseError(reasons[0])).toBe(true);
      client.leave();
    });
  });

  it('a client that stops reading is disconnected after stallMs, and nothing remains', async () => {
    const client = await RawClient.connect(app, get('/flood'));
    client.stall();
    await until(() => (app.get(SseConnections).list()[0]?.queuedBytes ?? 0) > 65_536);
    clock.advance(29_000);
    expect(count()).toBe(1);
    clock.advance(10_000);
    await gone();
    expect(reason('SSE_STALLED')).toBe(true);
    client.resume();
    await client.isClosed();
    // Disconnected: the end of the body is missing.
    expect(client.received.endsWith('\r\n0\r\n\r\n')).toBe(false);
    expect(logger.errors).toEqual([]);
    expect(logger.warnings).toEqual([expect.stringMatching(STALLED)]);
  });

  it('a client that leaves is not logged', async () => {
    const client = await RawClient.connect(app, get('/flood'));
    client.stall();
    await until(() => (app.get(SseConnections).list()[0]?.queuedBytes ?? 0) > 65_536);
    client.reset();
    await gone();
    clock.advance(120_000);
    expect([...logger.errors, ...logger.warnings]).toEqual([]);
  });

  it('a client that leaves the last bytes of an ended stream unread is disconnected as well', async () => {
    const client = await RawClient.connect(app, get('/flood'));
    client.stall();
    await until(() => (app.get(SseConnections).list()[0]?.queuedBytes ?? 0) > 65_536);
    app.get(SseConnections).closeWhere(() => true);
    await new Promise(setImmediate);
    expect(count()).toBe(1);
    clock.advance(40_000);
    await gone();
    expect(reason('SSE_CLOSED')).toBe(true);
    expect(logger.warnings).toEqual([expect.stringMatching(STALLED)]);
    client.leave();
  });

  it('one heartbeat never waits behind another', async () => {
    const client = await RawClient.connect(app, get('/flood'));
    client.stall();
    await until(() => (app.get(SseConnections).list()[0]?.queuedBytes ?? 0) > 65_536);
    const [connection] = app.get(SseConnections).list();
    const waiting = connection?.queuedBytes;
    expect(waiting).toBeGreaterThan(0);
    clock.advance(15_500);
    await new Promise(setImmediate);
    expect(connection?.queuedBytes).toBe(waiting);
    client.leave();
    await gone();
  });

  describe('a client that pipelines thousands of requests', () => {
    const TOO_MANY = {
      statusCode: 429,
      error: 'Too Many Requests',
      message: 'Too many streams wait on this connection: the limit is 8. Use another connection.',
    };

    it('gets one stream, eight requests wait, and no handler runs for the others', async () => {
      const client = await RawClient.connect(app, get('/open').repeat(2000));
      await until(() => count() === ONE_AND_WAITING, 'the streams');
      await client.receives('200 OK');
      for (let i = 0; i < 20; i++) await new Promise(setImmediate);
      expect([count(), opened]).toEqual([ONE_AND_WAITING, ONE_AND_WAITING]);
      client.reset();
      // Node reads nothing from a connection with this much to send: a heartbeat finds that the client has left.
      await until(() => {
        clock.advance(15_500);
        return count() === 0;
      }, 'that the client is gone');
      expect(reasons).toHaveLength(ONE_AND_WAITING);
    });

    it('gets 429 for the others in their turn, and streams again once fewer wait', async () => {
      const waiting = get('/open').repeat(ONE_AND_WAITING);
      const client = await RawClient.connect(app, waiting + get('/open') + get('/short'));
      await until(() => count() === ONE_AND_WAITING, 'the streams');
      for (let i = 0; i < 20; i++) await new Promise(setImmediate);
      app.get(SseConnections).closeWhere(() => true);
      await gone();
      await until(() => client.received.split('HTTP/1.1 ').length === ONE_AND_WAITING + 3, 'all answers');
      const refused = client.received.split('HTTP/1.1 429 Too Many Requests').slice(1);
      expect(refused.map((answer) => JSON.parse(/\{.*\}/.exec(answer)?.[0] ?? ''))).toEqual([
        TOO_MANY,
        TOO_MANY,
      ]);
      client.received = '';
      client.send(get('/short'));
      await client.receives('data: 1\n\n');
    });
  });

  it('requests can wait on one connection without a leak warning of Node', async () => {
    const connected = new Promise<Socket>((resolve) => app.getHttpServer().once('connection', resolve));
    const client = await RawClient.connect(app, get('/open').repeat(50));
    await until(() => count() === ONE_AND_WAITING);
    const socket = await connected;
    // Beyond ten Node warns, once for each connection.
    const counts = socket.eventNames().map((name) => socket.listenerCount(name));
    expect(Math.max(...counts)).toBeLessThanOrEqual(10);
    client.reset();
    await gone();
    expect(reasons).toHaveLength(ONE_AND_WAITING);
  });

  it('requests that wait on one connection do not delay the shutdown of the application', async () => {
    const client = await RawClient.connect(app, get('/open').repeat(50));
    await until(() => count() === ONE_AND_WAITING);
    let closed = false;
    void app.close().then(() => (closed = true));
    await until(() => {
      clock.advance(100);
      return closed;
    }, 'the end of the application');
    expect(count()).toBe(0);
    client.leave();
  });

  it('requests that wait behind an open stream are answered when it ends', async () => {
    const client = await RawClient.connect(app, get('/open') + get('/short', 'Connection: close'));
    await until(() => count() === 2 || client.received.includes('200 OK'));
    await client.receives('200 OK');
    app.get(SseConnections).list()[0]?.close();
    await client.isClosed();
    expect(client.received.split('HTTP/1.1 200 OK')).toHaveLength(3);
    expect(client.received.endsWith('b\r\n:\ndata: 1\n\n\r\n0\r\n\r\n')).toBe(true);
    await gone();
  });

  it('an HTTP/1.0 client that asks to keep its connection gets a stream that ends with it', async () => {
    const client = await RawClient.connect(app, 'GET /short HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    await client.isClosed();
    expect(client.received).not.toMatch(/^transfer-encoding/im);
    expect(client.received.endsWith('\r\n\r\n:\ndata: 1\n\n')).toBe(true);
  });

  it.each(['GARBAGE\r\n\r\n', 'GET /open HTTP/1.1\r\n\r\n', 'GET /open HTTP/9.9\r\nHost: x\r\n\r\n'])(
    'an invalid request (%j) is a 400, and its connection is closed',
    async (request) => {
      const client = await RawClient.connect(app, request);
      await client.isClosed();
      expect(client.received).toMatch(/^HTTP\/1\.1 400 /);
      expect(count()).toBe(0);
    },
  );
});

it('a body that does not arrive in time is a 408, and its connection is closed', async () => {
  const app = await makeApp('fastify', {
    controllers: [OddController],
    platform: new FastifyAdapter({
      requestTimeout: 200,
      http: { headersTimeout: 200, connectionsCheckingInterval: 50 },
    } as never),
  });
  const head =
    'POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n';
  const client = await RawClient.connect(app, `${head}{"a":`);
  await client.isClosed();
  expect(client.received).toMatch(/^HTTP\/1\.1 408 /);
  await closeApps();
});
