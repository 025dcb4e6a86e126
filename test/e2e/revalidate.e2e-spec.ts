import {
  Controller,
  ForbiddenException,
  HttpException,
  Inject,
  Injectable,
  Scope,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { APP_GUARD, REQUEST } from '@nestjs/core';
import { NEVER, concat, of, type Observable } from 'rxjs';
import { isSseError, retryAfter, Sse, SseConnection, SseConnections } from 'nestjs-event-stream';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { ManualClock } from '../fixtures/manual-clock.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

const EVERY_MS = 60_000;

type Answer = () => boolean | Promise<boolean> | Observable<boolean>;
/** The current answer of the guards. */
let answer: Answer = () => true;
let log: string[] = [];
let reasons: unknown[] = [];

/** The user's sessions, which the guards read. */
@Injectable()
class Sessions {
  valid = true;
}

@Injectable()
class GlobalGuard implements CanActivate {
  canActivate(): boolean {
    log.push('global');
    return true;
  }
}

@Injectable()
class ControllerGuard implements CanActivate {
  constructor(@Inject(Sessions) private readonly sessions: Sessions) {}
  canActivate(context: ExecutionContext): boolean {
    log.push(`controller of ${context.getClass().name}`);
    return this.sessions.valid;
  }
}

@Injectable()
class HandlerGuard implements CanActivate {
  canActivate(context: ExecutionContext): ReturnType<Answer> {
    const { url } = context.switchToHttp().getRequest<{ url: string }>();
    log.push(`handler ${context.getHandler().name} ${url} ${context.getType()}`);
    return answer();
  }
}

/** Like a throttler: it reports in headers of the response. */
@Injectable()
class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const response = context.switchToHttp().getResponse<{
      header(name: string, value: string): void;
      headersSent?: boolean;
      raw?: { headersSent: boolean; setHeader(name: string, value: string): void };
    }>();
    response.header('X-RateLimit-Remaining', '9');
    response.raw?.setHeader('X-Raw', '1');
    log.push(`sent: ${response.raw?.headersSent ?? response.headersSent}`);
    return true;
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestGuard implements CanActivate {
  private asked = 0;
  constructor(@Inject(REQUEST) private readonly request: { url: string }) {}
  canActivate(): boolean {
    log.push(`request ${this.request.url} ${++this.asked}`);
    return this.asked < 3;
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class TransientGuard implements CanActivate {
  constructor(@Inject(Sessions) private readonly sessions: Sessions) {}
  canActivate(): boolean {
    log.push('transient');
    return this.sessions.valid;
  }
}

function remembering(connection: SseConnection): Observable<unknown> {
  connection.signal.addEventListener('abort', () => reasons.push(connection.signal.reason));
  return concat(of(retryAfter(10), 'open'), NEVER);
}

@UseGuards(ControllerGuard)
@Controller()
class Guarded {
  @UseGuards(HandlerGuard, HeaderGuard)
  @Sse('guarded', { revalidateMs: EVERY_MS })
  guarded(@SseConnection() connection: SseConnection) {
    return remembering(connection);
  }
  @UseGuards(HandlerGuard)
  @Sse('once')
  once(@SseConnection() connection: SseConnection) {
    return remembering(connection);
  }
  /** Its source has no signal, so a failure after the client has left does not look like an abort. */
  @UseGuards(HandlerGuard)
  @Sse('silent', { revalidateMs: EVERY_MS })
  silent() {
    return concat(of('open'), NEVER);
  }
  @UseGuards(new HandlerGuard())
  @Sse('mapped', {
    revalidateMs: EVERY_MS,
    errors: { event: 'denied', map: (error) => ({ status: (error as HttpException).getStatus() }) },
  })
  mapped(@SseConnection() connection: SseConnection) {
    return remembering(connection);
  }
  @UseGuards(TransientGuard)
  @Sse('transient', { revalidateMs: EVERY_MS })
  transient(@SseConnection() connection: SseConnection) {
    return remembering(connection);
  }
}

@Controller()
class PerRequest {
  @UseGuards(RequestGuard)
  @Sse('per-request', { revalidateMs: EVERY_MS })
  perRequest(@SseConnection() connection: SseConnection) {
    return remembering(connection);
  }
}

eachAdapter((adapter) => {
  let app: INestApplication;
  let clock: ManualClock;
  let logger: RecordingLogger;
  beforeEach(async () => {
    answer = () => true;
    log = [];
    reasons = [];
    clock = new ManualClock();
    logger = new RecordingLogger();
    app = await makeApp(adapter, {
      controllers: [Guarded, PerRequest],
      providers: [Sessions, { provide: APP_GUARD, useClass: GlobalGuard }],
      sse: { heartbeat: false },
      clock,
      logger,
    });
  });
  afterEach(async () => {
    closeStockClients();
    await closeApps();
  });

  async function opened(path: string): Promise<TestStream> {
    const stream = await openStream(app, path);
    await stream.next();
    log = [];
    return stream;
  }
  /** The time of one more revalidation, whatever its jitter. */
  async function later(ms = EVERY_MS * 1.1 + 100): Promise<void> {
    clock.advance(ms);
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  }

  describe('guards run again on an open stream', () => {
    it('in their order, on the request that opened it, again and again', async () => {
      const stream = await opened('/guarded?a=1');
      const round = ['global', 'controller of Guarded', 'handler guarded /guarded?a=1 http', 'sent: true'];
      await later(EVERY_MS * 0.9 - 1);
      expect(log).toEqual([]);
      await later(EVERY_MS * 0.2 + 100);
      expect(log).toEqual(round);
      await later();
      expect(log.slice(-4)).toEqual(round);
      expect(app.get(SseConnections).count()).toBe(1);
      expect(stream.raw()).toBe(':\nretry: 10\n\ndata: open\n\n');
      await stream.close();
    });

    it('not unless an option asks for it', async () => {
      const stream = await opened('/once');
      clock.advance(EVERY_MS * 100);
      expect(log).toEqual([]);
      await stream.close();
    });

    it('not after the end of the stream', async () => {
      const stream = await opened('/guarded');
      await stream.close();
      await until(() => app.get(SseConnections).count() === 0);
      await later();
      expect(log).toEqual([]);
    });

    it('with the instances of its own request, if they are request-scoped', async () => {
      const stream = await opened('/per-request?b=2');
      await later();
      expect(log).toEqual(['global', 'request /per-request?b=2 2']);
      await later();
      expect(log.at(-1)).toBe('request /per-request?b=2 3');
      expect((await stream.next('error')).json()).toMatchObject({ statusCode: 403 });
    });

    it('also transient ones, and those that were passed as objects', async () => {
      const [transient, mapped] = [await opened('/transient'), await opened('/mapped')];
      await later();
      expect(log).toEqual(expect.arrayContaining(['transient', 'handler mapped /mapped http']));
      await transient.close();
      await mapped.close();
    });
  });

  const unauthorised = { statusCode: 401, error: 'Unauthorized', message: 'Log in again.' };
  const forbidden = { statusCode: 403, error: 'Forbidden', message: 'Forbidden resource' };
  describe('a stream that its guards no longer admit', () => {
    it.each<[string, Answer, object]>([
      ['a guard says no', () => false, forbidden],
      ['a guard promises no', async () => false, forbidden],
      ['a guard emits no', () => of(false), forbidden],
      [
        'a guard throws',
        () => {
          throw new UnauthorizedException('Log in again.');
        },
        unauthorised,
      ],
      [
        'a guard rejects',
        () => Promise.reject(new ForbiddenException('Not you.')),
        { ...forbidden, message: 'Not you.' },
      ],
    ])('ends with an error event when %s', async (_when, says, body) => {
      const stream = await opened('/guarded');
      answer = says;
      await later();
      expect((await stream.next()).json()).toEqual(body);
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toBe(
        `:\nretry: 10\n\ndata: open\n\nevent: error\ndata: ${JSON.stringify(body)}\n\n`,
      );
      expect(isSseError(reasons[0], 'SSE_REVOKED')).toBe(true);
      expect(logger.errors).toEqual([]);
    });

    it('ends with the event that the route makes of errors', async () => {
      const stream = await opened('/mapped');
      answer = () => false;
      await later();
      expect(await stream.next()).toMatchObject({ type: 'denied', data: '{"status":403}' });
    });

    it('is not requested again by an EventSource', async () => {
      const client = followWithStockClient(`${await app.getUrl()}/guarded`, ['error']);
      await until(() => client.events.length === 1);
      app.get(Sessions).valid = false;
      await later();
      await client.closed();
      // It reconnects once, and the guard, which runs before ours, rejects it with a final status.
      expect(client.statuses.at(-1)).toBe(403);
    });

    it('stays open if the answer was yes, however long it took', async () => {
      let say!: (passes: boolean) => void;
      answer = () => new Promise<boolean>((resolve) => (say = resolve));
      const stream = await (async () => {
        const opening = openStream(app, '/guarded');
        await until(() => say !== undefined);
        say(true);
        return opening;
      })();
      await later();
      say(true);
      await new Promise(setImmediate);
      await later();
      say(true);
      await new Promise(setImmediate);
      expect(app.get(SseConnections).count()).toBe(1);
      await stream.close();
    });
  });

  describe('a guard that fails to answer', () => {
    it('with an error ends the stream with a 500, after which a client may reconnect, and is logged', async () => {
      const stream = await opened('/guarded');
      answer = () => {
        throw new TypeError('no database');
      };
      await later();
      expect((await stream.next()).json()).toMatchObject({ statusCode: 500 });
      expect(await stream.end()).toBe('ended');
      expect(logger.errors).toHaveLength(1);
      expect(logger.errors[0]).toMatch(/^Guarded\.guarded \(GET \/guarded\): TypeError: no database\n/);
    });

    it('by the next revalidation ends the stream with a 503', async () => {
      const stream = await opened('/guarded');
      answer = () => new Promise(() => undefined);
      await later();
      expect(app.get(SseConnections).count()).toBe(1);
      await later();
      expect((await stream.next()).json()).toMatchObject({ statusCode: 503 });
    });

    it('in time passes, even if this process was suspended before it could be read', async () => {
      const stream = await opened('/guarded');
      let say!: (passes: boolean) => void;
      answer = () => new Promise((resolve) => (say = resolve));
      await later();
      clock.suspend(3 * EVERY_MS);
      clock.advance(0);
      say(true);
      answer = () => true;
      await later();
      await later();
      expect(app.get(SseConnections).count()).toBe(1);
      expect(stream.raw()).toBe(':\nretry: 10\n\ndata: open\n\n');
      await stream.close();
    });

    type Late = [string, (say: (passes: boolean) => void, fail: (error: Error) => void) => void];
    const late: Late[] = [
      ['yes', (say) => say(true)],
      ['no', (say) => say(false)],
      ['an HTTP error', (_say, fail) => fail(new UnauthorizedException())],
      ['a failure', (_say, fail) => fail(new TypeError('no database'))],
    ];
    it.each(late)('is logged once, also if it answers after the 503: %s', async (_, tell) => {
      const stream = await opened('/silent');
      let settle!: () => void;
      answer = () => new Promise((...both) => (settle = () => tell(...both)));
      await later();
      await later();
      expect((await stream.next()).json()).toMatchObject({ statusCode: 503 });
      expect(await stream.end()).toBe('ended');
      expect(logger.errors).toHaveLength(1);
      settle();
      await later();
      expect(logger.errors).toHaveLength(1);
      expect(logger.errors[0]).toContain('The right to this stream cannot be checked.');
    });

    it.each(late.slice(0, 3))(
      'is not logged if it answers after its client has left: %s',
      async (_, tell) => {
        const stream = await opened('/silent');
        let settle!: () => void;
        answer = () => new Promise((...both) => (settle = () => tell(...both)));
        await later();
        await stream.close();
        await until(() => app.get(SseConnections).count() === 0);
        settle();
        await later();
        expect(logger.errors).toEqual([]);
      },
    );

    it('is logged if it fails after its client has left', async () => {
      const stream = await opened('/silent');
      let fail!: (error: Error) => void;
      answer = () => new Promise((_resolve, reject) => (fail = reject));
      await later();
      await stream.close();
      await until(() => app.get(SseConnections).count() === 0);
      fail(new TypeError('no database'));
      await until(() => logger.errors.length > 0);
      expect(logger.errors).toEqual([expect.stringContaining('TypeError: no database')]);
    });
  });
});
