import { Controller, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer, request } from 'node:https';
import { connect as connectPlain, type AddressInfo } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { NEVER } from 'rxjs';
import { isSseError, Sse, SseConnection, SseConnections } from 'nestjs-event-stream';
import { ManualClock } from '../fixtures/manual-clock.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

const tls = {
  key: readFileSync('test/fixtures/tls/key.pem'),
  cert: readFileSync('test/fixtures/tls/cert.pem'),
};
const BIG = 'é'.repeat(50_000);
let reasons: unknown[] = [];

@Controller()
class SecureController {
  @Sse('numbers')
  async *numbers() {
    yield 1;
    yield '二';
  }
  @Sse('silent')
  silent() {
    return NEVER;
  }
  @Sse('large')
  *large() {
    for (let i = 0; i < 30; i++) yield `${i}${BIG}`;
  }
  @Sse('flood')
  async *flood(@SseConnection() { signal }: SseConnection) {
    signal.addEventListener('abort', () => reasons.push(signal.reason));
    for (;;) yield BIG;
  }
}

eachAdapter((adapter) => {
  let app: INestApplication;
  let port: number;
  let clock: ManualClock;
  let logger: RecordingLogger;
  beforeEach(async () => {
    reasons = [];
    clock = new ManualClock();
    logger = new RecordingLogger();
    const platform =
      adapter === 'express' ? new SecureExpressAdapter() : new FastifyAdapter({ https: tls } as never);
    app = await makeApp(adapter, {
      controllers: [SecureController],
      platform,
      clock,
      logger,
      sse: { heartbeat: false },
    });
    ({ port } = app.getHttpServer().address() as AddressInfo);
  });
  afterEach(closeApps);

  const open = (path: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      request({ port, host: '127.0.0.1', path, rejectUnauthorized: false, agent: false }, resolve)
        .on('error', reject)
        .end();
    });
  const count = (): number => app.get(SseConnections).count();

  it('a stream has the same bytes over TLS', async () => {
    const response = await open('/numbers');
    let body = '';
    for await (const part of response.setEncoding('utf8')) body += String(part);
    expect(body).toBe(':\ndata: 1\n\ndata: 二\n\n');
  });

  const connection = (): SseConnection | undefined => app.get(SseConnections).list()[0];
  /** Waits until the kernel buffers are full, and no more bytes are taken. */
  async function standstill(): Promise<void> {
    let [last, same] = [-1, 0];
    await until(() => {
      const bytes = connection()?.bytes ?? 0;
      same = bytes === last && bytes > BIG.length ? same + 1 : 0;
      last = bytes;
      return same > 50;
    }, 'a standstill');
  }

  it('a client that stops reading is disconnected, but only after the whole of stallMs', async () => {
    const response = await open('/flood');
    response.on('error', () => undefined);
    response.pause();
    await standstill();
    expect(connection()?.queuedBytes).toBeGreaterThan(BIG.length);
    clock.advance(29_000);
    expect(count()).toBe(1);
    // The client takes the waiting bytes, and its time starts again.
    const before = connection()?.bytes ?? 0;
    response.resume();
    await until(() => (connection()?.bytes ?? 0) > before + 10_000_000);
    response.pause();
    await standstill();
    clock.advance(20_000);
    expect(count()).toBe(1);
    clock.advance(20_000);
    await until(() => count() === 0);
    expect(isSseError(reasons[0], 'SSE_STALLED')).toBe(true);
    expect(logger.warnings).toHaveLength(1);
    response.destroy();
  });

  it('a slow client gets everything, and no character is cut', async () => {
    const response = await open('/large');
    let body = '';
    for await (const part of response.setEncoding('utf8')) {
      body += String(part);
      response.pause();
      await new Promise(setImmediate);
      response.resume();
    }
    expect(body).toBe(`:\n${Array.from({ length: 30 }, (_, i) => `data: ${i}${BIG}\n\n`).join('')}`);
    await until(() => count() === 0);
  });

  it.each(['destroy', 'end'] as const)('a client that leaves is noticed (%s)', async (how) => {
    const socket = await new Promise<TLSSocket>((resolve) => {
      const made = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(made));
    });
    socket.on('error', () => undefined).resume();
    socket.write('GET /flood HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => (connection()?.bytes ?? 0) > 1_000_000);
    socket[how]();
    await until(() => count() === 0);
    expect(isSseError(reasons[0], 'SSE_CLIENT_GONE')).toBe(true);
    expect(logger.warnings).toEqual([]);
    socket.destroy();
  });

  it.each(['before', 'after'])(
    'a connection that is never used does not delay the shutdown (%s the handshake)',
    async (when) => {
      const socket =
        when === 'before'
          ? connectPlain(port, '127.0.0.1')
          : await new Promise<TLSSocket>((resolve) => {
              const made = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () =>
                resolve(made),
              );
            });
      socket.on('error', () => undefined);
      const stream = await open('/silent');
      stream.on('error', () => undefined);
      await app.close();
      expect(count()).toBe(0);
      socket.destroy();
    },
  );
});

/** Nest makes the server of Express from its own options. This one uses a given server. */
class SecureExpressAdapter extends ExpressAdapter {
  override initHttpServer(): void {
    this.httpServer = createServer(tls, this.getInstance()) as never;
  }
}
