import {
  Controller,
  Param,
  UseInterceptors,
  type CallHandler,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { getDefaultHighWaterMark } from 'node:stream';
import { filter, map, type Observable } from 'rxjs';
import { Sse, SseConnection, SseConnections } from 'nestjs-event-stream';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';

/** The high-water mark of Node, and one joined write beyond it. */
const MARK = getDefaultHighWaterMark(false);
const JOIN = 16_384;
const TOTAL = 4000;

/** The most bytes that waited at a pull, and the number of pulls. */
let most = 0;
let pulls = 0;
let bytes = 0;

/** Values of this many bytes. Each pull records what its connection still has to send. */
function* numbered(connection: SseConnection, size: number): Generator<object> {
  for (let i = 0; i < TOTAL; i++) {
    most = Math.max(most, connection.queuedBytes);
    pulls++;
    yield { id: String(i), data: 'x'.repeat(size) };
  }
}
async function* numberedAsync(connection: SseConnection, size: number) {
  yield* numbered(connection, size);
}

/** An interceptor that maps each value to another one. */
class Doubling implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler<{ id: string; data: string }>): Observable<unknown> {
    return next.handle().pipe(
      filter(({ id }) => Number(id) % 2 === 0),
      map(({ id, data }) => ({ id, data: data + data })),
    );
  }
}

@Controller()
class PulledController {
  @Sse('sync/:size')
  sync(@SseConnection() connection: SseConnection, @Param('size') size: string) {
    return numbered(connection, Number(size));
  }
  @Sse('async/:size')
  async(@SseConnection() connection: SseConnection, @Param('size') size: string) {
    return numberedAsync(connection, Number(size));
  }
  @UseInterceptors(Doubling)
  @Sse('watched/:size')
  watched(@SseConnection() connection: SseConnection, @Param('size') size: string) {
    return numberedAsync(connection, Number(size));
  }
}

/** Waits until the source is not pulled any more, because the client takes no more. */
async function standstill(): Promise<void> {
  let [last, same] = [-1, 0];
  await until(() => {
    same = pulls === last ? same + 1 : 0;
    last = pulls;
    return same > 25 && pulls > 0;
  }, 'a standstill');
}

beforeEach(() => {
  most = pulls = bytes = 0;
});
afterEach(closeApps);

eachAdapter((adapter) => {
  describe.each(['sync', 'async', 'watched'])('a generator (%s)', (kind) => {
    it.each([100, 5000, 100_000])(
      'of values of %i bytes is not pulled while more than the high-water mark waits',
      async (size) => {
        const app = await makeApp(adapter, { controllers: [PulledController] });
        const client = await RawClient.get(app, `/${kind}/${size}`);
        client.stall();
        if (size > 100) {
          await standstill();
          expect(pulls).toBeLessThan(TOTAL);
        }
        expect(most).toBeLessThan(MARK + JOIN);
        if (size <= 5000) {
          client.resume();
          await until(() => client.ended || client.received.endsWith('\r\n0\r\n\r\n'));
          expect(pulls).toBe(TOTAL);
          expect(most).toBeLessThan(MARK + JOIN);
          const ids = [...client.received.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
          const step = kind === 'watched' ? 2 : 1;
          expect(ids).toEqual(Array.from({ length: TOTAL / step }, (_, i) => i * step));
        }
        client.leave();
      },
    );
  });

  it('generators of a hundred clients that do not read use the memory of one generator each', async () => {
    const app: INestApplication = await makeApp(adapter, { controllers: [PulledController] });
    const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.get(app, '/async/20000')));
    for (const client of clients) client.stall();
    await standstill();
    expect(most).toBeLessThan(MARK + JOIN);
    for (const { queuedBytes } of app.get(SseConnections).list()) {
      expect(queuedBytes).toBeLessThan(MARK + JOIN + 2 * 20_100);
    }
    for (const client of clients) client.leave();
  });
});

it('over HTTP/2 a generator is pulled as the flow control windows of its stream allow', async () => {
  const app = await makeApp('fastify', {
    controllers: [PulledController],
    platform: new FastifyAdapter({ http2: true } as never),
  });
  const session = connect(`http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`);
  const stream = session.request({ ':path': '/async/5000' });
  await new Promise((resolve) => stream.once('response', resolve));
  await standstill();
  expect(pulls).toBeLessThan(100);
  expect(most).toBeLessThan(MARK + JOIN);
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await new Promise((resolve) => stream.once('close', resolve));
  expect(pulls).toBe(TOTAL);
  expect(bytes).toBeGreaterThan(TOTAL * 5000);
  session.destroy();
});
