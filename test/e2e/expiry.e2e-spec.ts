import {
  Controller,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { concat, NEVER, of, type Observable } from 'rxjs';
import {
  isSseError,
  LastEventId,
  retryAfter,
  Sse,
  SseConnection,
  SseConnections,
  SseSignal,
} from 'nestjs-event-stream';
import { connect } from 'nestjs-event-stream/client';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { ManualClock } from '../fixtures/manual-clock.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

const HOUR = 3_600_000;
/** The result of the route's function. */
let end: () => unknown = () => undefined;
let loggedIn = true;
let handled = 0;
let reasons: unknown[] = [];
let open: (() => void)[] = [];

class LoggedIn implements CanActivate {
  canActivate(): boolean {
    if (!loggedIn) throw new UnauthorizedException();
    return true;
  }
}

function expiresAt(_context: ExecutionContext): Date | number | undefined {
  return end() as Date;
}

@UseGuards(LoggedIn)
@Controller()
class Expiring {
  @Sse('expiring', { expiresAt })
  expiring(@SseConnection() connection: SseConnection): Observable<unknown> {
    handled++;
    connection.signal.addEventListener('abort', () => reasons.push(connection.signal.reason));
    return concat(of(retryAfter(10), 'open'), NEVER);
  }
  @Sse('asks', {
    expiresAt: (context) => context.switchToHttp().getRequest<{ user: { exp: number } }>().user.exp,
  })
  asks() {
    return NEVER;
  }
  @Sse('rotating', { maxDurationMs: 10_000 })
  rotating() {
    return NEVER;
  }
  /** Numbers, from the client's last event ID. */
  @Sse('resumable', { maxDurationMs: 10_000 })
  async *resumable(@LastEventId() after: string | undefined, @SseSignal() signal: AbortSignal) {
    handled++;
    for (let i = Number(after ?? 0) + 1; i <= 200 && !signal.aborted; i++) {
      yield { id: String(i), retry: 1, data: i };
      if (i % 10 === 0) await new Promise<void>((resolve) => open.push(resolve));
    }
  }
}

eachAdapter((adapter) => {
  let app: INestApplication;
  let clock: ManualClock;
  let logger: RecordingLogger;
  beforeEach(async () => {
    end = () => undefined;
    loggedIn = true;
    handled = 0;
    reasons = [];
    open = [];
    clock = new ManualClock();
    logger = new RecordingLogger();
    app = await makeApp(adapter, { controllers: [Expiring], sse: { heartbeat: false }, clock, logger });
  });
  afterEach(async () => {
    closeStockClients();
    await closeApps();
  });

  async function opened(path = '/expiring'): Promise<TestStream> {
    const stream = await openStream(app, path);
    await stream.next();
    return stream;
  }
  const count = (): number => app.get(SseConnections).count();

  describe('a permission that expires', () => {
    it.each<[string, () => Date | number]>([
      ['a Date', () => new Date(clock.wallNow() + HOUR)],
      ['milliseconds since 1970', () => clock.wallNow() + HOUR],
    ])('ends the stream with a 401 event, if the time is %s', async (_what, then) => {
      end = then;
      const stream = await opened();
      clock.advance(HOUR - 2000);
      expect(count()).toBe(1);
      clock.advance(2100);
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toBe(
        ':\nretry: 10\n\ndata: open\n\nevent: error\n' +
          'data: {"statusCode":401,"error":"Unauthorized","message":"The right to this stream has expired."}\n\n',
      );
      expect(isSseError(reasons[0], 'SSE_EXPIRED')).toBe(true);
      expect(logger.errors).toEqual([]);
    });

    it('ends the stream also after 26 days, which is longer than the maximum delay of a timer', async () => {
      end = () => clock.wallNow() + 26 * 24 * HOUR;
      const stream = await opened();
      clock.advance(26 * 24 * HOUR - 2000);
      expect(count()).toBe(1);
      clock.advance(2100);
      expect(await stream.end()).toBe('ended');
    });

    it.each<[string, unknown]>([
      ['undefined', undefined],
      ['null', null],
      ['Infinity', Infinity],
    ])('never, if the time is %s', async (_what, never) => {
      end = () => never;
      const stream = await opened();
      clock.advance(365 * 24 * HOUR);
      expect(count()).toBe(1);
      await stream.close();
    });

    it('in the past is a 401, and no handler runs', async () => {
      for (const past of [0, -1, new Date(clock.wallNow() - 1), clock.wallNow()]) {
        end = () => past;
        const stream = await openStream(app, '/expiring');
        expect(stream.status).toBe(401);
        expect(await stream.json()).toMatchObject({ message: 'The right to this stream has expired.' });
      }
      expect(handled).toBe(0);
      expect(logger.errors).toEqual([]);
    });

    it.each<[string, unknown]>([
      ['NaN', NaN],
      ['an invalid Date', new Date('soon')],
      ['a string', 'soon'],
    ])('at an invalid time (%s) is a 500, and the log says why', async (_what, no) => {
      end = () => no;
      expect((await openStream(app, '/expiring')).status).toBe(500);
      expect(handled).toBe(0);
      expect(logger.errors.join()).toMatch(/expiresAt\(\) gave /);
      expect(count()).toBe(0);
    });

    it('whose function fails is a 500, and leaves nothing open', async () => {
      expect((await openStream(app, '/asks')).status).toBe(500);
      expect(count()).toBe(0);
    });

    it('can be renewed: an EventSource reconnects, and stays if the guard admits it', async () => {
      end = () => clock.wallNow() + HOUR;
      const client = followWithStockClient(`${await app.getUrl()}/expiring`);
      await until(() => client.events.length === 1);
      clock.advance(HOUR + 2000);
      await until(() => client.events.length === 2);
      expect(handled).toBe(2);
      loggedIn = false;
      clock.advance(HOUR + 2000);
      await client.closed();
      expect(client.statuses.at(-1)).toBe(401);
    });
  });

  describe('a connection that ends after maxDurationMs', () => {
    it('lives between 90 and 110 % of that time, so that not all end at once', async () => {
      const streams = await Promise.all(Array.from({ length: 40 }, () => openStream(app, '/rotating')));
      await until(() => count() === 40);
      clock.advance(8990);
      expect(count()).toBe(40);
      const left: number[] = [];
      for (let ms = 9000; ms <= 11_000; ms += 200) {
        clock.advance(200);
        await new Promise((resolve) => setTimeout(resolve, 5));
        left.push(count());
      }
      await until(() => count() === 0);
      expect(new Set(left).size).toBeGreaterThan(4);
      for (const stream of streams) expect([await stream.end(), stream.raw()]).toEqual(['ended', ':\n']);
    });

    it('loses no event of a stream that can resume', async () => {
      const numbers: number[] = [];
      const turning = setInterval(() => {
        clock.advance(3000);
        for (const go of open.splice(0)) go();
      }, 5);
      try {
        const events = connect<{ message: number }>(`${await app.getUrl()}/resumable`, {
          retry: { initialMs: 1, maxMs: 1 },
        });
        for await (const { data } of events) {
          numbers.push(Number(data));
          if (numbers.length === 200) break;
        }
      } finally {
        clearInterval(turning);
      }
      expect(numbers).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
      expect(handled).toBeGreaterThan(3);
      await until(() => count() === 0);
    });
  });
});
