import { Controller, Get, StreamableFile, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ServerHttp2Session,
} from 'node:http2';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { NEVER, Subject } from 'rxjs';
import { isSseError, Sse, SseConnection, SseConnections } from 'nestjs-event-stream';
import { ManualClock } from '../fixtures/manual-clock.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { StallingWire } from '../fixtures/stalling-wire.js';
import { closeApps, makeApp, until } from './adapters.js';

const BLOCK = 'x'.repeat(10_000);
const TOTAL = 1500;

let asked = 0;
let reasons: [route: string, reason: unknown][] = [];
let live: Subject<unknown>;

function remember({ signal, route }: SseConnection): void {
  signal.addEventListener('abort', () => reasons.push([route, signal.reason]));
}

@Controller()
class SharedSession {
  @Sse('much')
  *much(@SseConnection() connection: SseConnection) {
    remember(connection);
    for (let i = 0; i < TOTAL; i++) {
      asked = i + 1;
      yield { id: i, data: BLOCK };
    }
  }
  @Sse('live')
  live(@SseConnection() connection: SseConnection) {
    remember(connection);
    return live;
  }
  @Get('bytes')
  bytes() {
    return new StreamableFile(Readable.from(Array.from({ length: TOTAL }, () => Buffer.alloc(10_000))));
  }
  @Sse('quiet')
  quiet(@SseConnection() connection: SseConnection) {
    remember(connection);
    return NEVER;
  }
}

/** Windows so large that the connection, not flow control, stops a stream. */
const WINDOW = 2 ** 31 - 1;

const tls = {
  key: readFileSync('test/fixtures/tls/key.pem'),
  cert: readFileSync('test/fixtures/tls/cert.pem'),
};

describe.each([
  ['in the clear', { http2: true }, 'http'],
  ['over TLS', { http2: true, https: tls }, 'https'],
] as const)(
  'a session %s whose connection takes nothing, like that of a suspended process',
  (_how, options, scheme) => {
    let app: INestApplication;
    let clock: ManualClock;
    let logger: RecordingLogger;
    let wire: StallingWire;
    let session: ClientHttp2Session;
    let sessions: ServerHttp2Session[];

    beforeEach(async () => {
      asked = 0;
      reasons = [];
      live = new Subject();
      clock = new ManualClock();
      logger = new RecordingLogger();
      app = await makeApp('fastify', {
        controllers: [SharedSession],
        platform: new FastifyAdapter(options as never),
        clock,
        logger,
      });
      sessions = [];
      app.getHttpServer().on('session', (made: ServerHttp2Session) => sessions.push(made));
      wire = await StallingWire.start((app.getHttpServer().address() as AddressInfo).port);
      session = connect(`${scheme}://127.0.0.1:${wire.port}`, {
        settings: { initialWindowSize: WINDOW },
        rejectUnauthorized: false,
      });
      session.on('error', () => undefined);
      await new Promise((resolve) => session.once('connect', resolve));
      session.setLocalWindowSize(WINDOW);
    });
    afterEach(async () => {
      session.destroy();
      wire.close();
      await closeApps();
    });

    const connections = (): SseConnections => app.get(SseConnections);
    async function opened(path: string): Promise<{ stream: ClientHttp2Stream; body: () => string }> {
      const stream = session.request({ ':path': path, accept: 'text/event-stream' });
      let body = '';
      stream.setEncoding('utf8').on('data', (text: string) => (body += text));
      stream.on('error', () => undefined);
      await new Promise((resolve) => stream.once('response', resolve));
      return { stream, body: () => body };
    }
    /** Number of connections of the server. */
    const sockets = (): Promise<number> =>
      new Promise((resolve) =>
        app.getHttpServer().getConnections((_error: unknown, count: number) => resolve(count)),
      );
    /** Number of bytes that wait for the connection. */
    const carried = (): number => {
      interface Handle {
        writeQueueSize: number;
        _parent?: Handle;
      }
      const handle = (sessions[0]?.socket as unknown as { _handle: Handle } | undefined)?._handle;
      return (handle?._parent ?? handle)?.writeQueueSize ?? 0;
    };
    /** Waits until the generator is not pulled any more. */
    async function standstill(): Promise<void> {
      let [last, same] = [-1, 0];
      await until(() => {
        same = asked === last ? same + 1 : 0;
        last = asked;
        return asked > 0 && same > 25;
      }, 'a standstill');
    }

    it('blocks its generators, which continue once the session is read', async () => {
      wire.stall();
      const request = session.request({ ':path': '/much' });
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      await standstill();
      expect(asked).toBeLessThan(TOTAL);
      expect(connections().list()[0]?.queuedBytes).toBeLessThan(100_000);
      wire.resume();
      await new Promise((resolve) => request.once('end', resolve));
      expect([...body.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual(
        Array.from({ length: TOTAL }, (_, i) => i),
      );
    });

    it('is closed if one of its streams has stalled, because no other stream can receive anything either', async () => {
      const others = [await opened('/quiet'), await opened('/live')];
      await until(() => others.every(({ body }) => body() === ':\n'));
      wire.stall();
      session.request({ ':path': '/much' }).on('error', () => undefined);
      await standstill();
      for (let i = 0; i < 9; i++) {
        live.next('tick');
        clock.advance(3000);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect([connections().count(), sessions[0]?.destroyed]).toEqual([3, false]);
      clock.advance(12_000);
      await until(() => connections().count() === 0);
      expect([sessions[0]?.destroyed, await sockets()]).toEqual([true, 0]);
      expect(reasons.map(([route, reason]) => [route, (reason as { code: string }).code])).toEqual([
        ['GET /much', 'SSE_STALLED'],
        ['GET /quiet', 'SSE_CLIENT_GONE'],
        ['GET /live', 'SSE_CLIENT_GONE'],
      ]);
      expect(logger.warnings).toEqual([
        expect.stringMatching(/^GET \/much: connection 3 was cut off, .* it took nothing for "stallMs"/),
      ]);
      expect(connections().timers.size).toBe(0);
    });

    it('is found by a heartbeat that was not taken, and no further heartbeat is queued', async () => {
      // An ordinary answer fills the connection. Only streams are checked for a stall.
      const quiet = await opened('/quiet');
      await until(() => quiet.body() === ':\n');
      wire.stall();
      session.request({ ':path': '/bytes' }).on('error', () => undefined);
      await until(() => carried() > 0);
      const [connection] = connections().list();
      clock.advance(16_000);
      await new Promise((resolve) => setImmediate(resolve));
      expect(connection?.queuedBytes).toBe(2);
      clock.advance(16_000);
      expect(connection?.queuedBytes).toBe(2);
      clock.advance(45_000);
      await until(() => connections().count() === 0);
      expect(isSseError(reasons[0]?.[1], 'SSE_STALLED')).toBe(true);
      expect([sessions[0]?.destroyed, await sockets()]).toEqual([true, 0]);
    });

    it('stays open if other streams are served, and only one does not open its window', async () => {
      const other = await opened('/live');
      session.settings({ initialWindowSize: 65_535 });
      await until(() => !session.pendingSettingsAck);
      const stalled = session.request({ ':path': '/much' });
      stalled.on('error', () => undefined);
      await standstill();
      for (let i = 0; i < 14 && connections().count() === 2; i++) {
        clock.advance(3000);
        live.next(`tick ${i}`);
        await until(() => other.body().includes(`tick ${i}\n`));
      }
      expect([connections().count(), sessions[0]?.destroyed]).toEqual([1, false]);
    });

    it('does not delay the shutdown of the application', async () => {
      await opened('/quiet');
      wire.stall();
      session.request({ ':path': '/much' }).on('error', () => undefined);
      await standstill();
      let closed = false;
      void app.close().then(() => (closed = true));
      await until(() => {
        clock.advance(100);
        return closed;
      }, 'the end of the application');
      expect(connections().count()).toBe(0);
      await until(() => sessions[0]?.destroyed === true);
    });
  },
);
