import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  Header,
  HttpException,
  Injectable,
  RequestTimeoutException,
  UseGuards,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import fastifyCompress from '@fastify/compress';
import { Exclude } from 'class-transformer';
import compression from 'compression';
import { once } from 'node:events';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createGunzip } from 'node:zlib';
import {
  catchError,
  concatMap,
  lastValueFrom,
  map,
  NEVER,
  of,
  Subject,
  tap,
  throwError,
  timeout,
  TimeoutError,
  type Observable,
  type OperatorFunction,
} from 'rxjs';
import { event, isSseRoute, Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp, until, type AdapterName, type TestAppOptions } from './adapters.js';

const TEXT = 'x'.repeat(5000);
let live: Subject<unknown>;

class User {
  name = 'ada';
  @Exclude()
  password = 'secret';
}

/** Any number of requests per client, reported in headers of each response. */
@Injectable()
class Throttler implements CanActivate {
  private hits = 0;
  canActivate(context: ExecutionContext): boolean {
    const response = context.switchToHttp().getResponse<{ header(name: string, value: string): void }>();
    response.header('X-RateLimit-Remaining', String(2 - ++this.hits));
    if (this.hits <= 2) return true;
    response.header('Retry-After', '60');
    throw new HttpException('ThrottlerException: Too Many Requests', 429);
  }
}

@Controller()
class MixedController {
  @Sse('live')
  live() {
    return live;
  }
  @Header('Cache-Control', 'no-cache')
  @Sse('transformable')
  transformable() {
    return live;
  }
  @Sse('users')
  async *users() {
    yield new User();
    yield event({ type: 'user', id: 1, data: new User() });
    yield { type: 'plain', data: new User() };
    yield [new User()];
    yield 'text';
  }
  @UseGuards(Throttler)
  @Sse('throttled')
  *throttled() {
    yield 'in';
  }
  @Sse('quiet')
  quiet() {
    return NEVER;
  }
  @Get('ordinary')
  ordinary() {
    return { text: TEXT, user: new User() };
  }
  @Get('slow')
  slow() {
    return new Promise(() => undefined);
  }
}

@Injectable()
class Wrapping implements NestInterceptor {
  constructor(private readonly leaveStreamsAlone: boolean) {}
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (this.leaveStreamsAlone && isSseRoute(context)) return next.handle();
    return next.handle().pipe(map((result: unknown) => ({ success: true, result })));
  }
}

/** The interceptor of Nest's documentation. */
@Injectable()
class Timeout implements NestInterceptor {
  constructor(private readonly leaveStreamsAlone: boolean) {}
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (this.leaveStreamsAlone && isSseRoute(context)) return next.handle();
    return next.handle().pipe(
      timeout(50),
      catchError((error: unknown) =>
        throwError(() => (error instanceof TimeoutError ? new RequestTimeoutException() : error)),
      ),
    );
  }
}

/** An interceptor that waits for the whole answer, like a cache. */
@Injectable()
class Caching implements NestInterceptor {
  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    if (isSseRoute(context)) return next.handle();
    const value: unknown = await lastValueFrom(next.handle());
    return of(value);
  }
}

type Made = (app: INestApplication) => void | Promise<void>;

eachAdapter((adapter: AdapterName) => {
  let app: INestApplication;
  beforeEach(() => {
    live = new Subject();
  });
  afterEach(closeApps);

  async function make(setUp: Made, options: TestAppOptions = {}): Promise<void> {
    app = await makeApp(adapter, { controllers: [MixedController], setUp, ...options });
  }
  const use =
    (middleware: (req: IncomingMessage, res: ServerResponse, next: () => void) => void): Made =>
    (made) =>
      void made.use(middleware);

  /** Each event arrives before the next is made. */
  async function deliversAtOnce(headers: Record<string, string> = {}): Promise<void> {
    const stream = await openStream(app, '/live', { headers });
    expect(stream.headers['content-encoding']).toBeUndefined();
    for (let i = 0; i < 5; i++) {
      live.next(`event ${i}`);
      expect((await stream.next()).data).toBe(`event ${i}`);
    }
    live.complete();
    expect(await stream.end()).toBe('ended');
  }

  const compressing: Made = (made) =>
    adapter === 'express'
      ? void made.use(compression({ threshold: 0, filter: () => true }))
      : void (
          made as unknown as { register: (plugin: unknown, options: object) => Promise<unknown> }
        ).register(fastifyCompress, { global: true, threshold: 0 });

  describe('beside compression', () => {
    it('events are delivered at once, uncompressed, and ordinary answers compressed', async () => {
      await make(compressing);
      await deliversAtOnce({ 'accept-encoding': 'gzip' });
      const ordinary = await openStream(app, '/ordinary', {
        headers: { accept: '*/*', 'accept-encoding': 'gzip' },
      });
      expect(ordinary.headers['content-encoding']).toBe('gzip');
      await ordinary.end();
    });

    it('events are delivered at once where the Cache-Control of a route allows compression', async () => {
      await make(compressing);
      const response = await new Promise<IncomingMessage>((resolve) => {
        void app.getUrl().then((url) => {
          request(`${url}/transformable`, { headers: { 'accept-encoding': 'gzip' } }, resolve).end();
        });
      });
      expect(response.headers['cache-control']).toBe('no-cache');
      const compressed = response.headers['content-encoding'] === 'gzip';
      expect(compressed).toBe(adapter === 'express');
      let body = '';
      const text = compressed ? response.pipe(createGunzip()) : response;
      text.on('data', (part: Buffer) => (body += part.toString()));
      let expected = ':\n';
      for (const value of ['one', 'two', TEXT]) {
        await until(() => body === expected, 'the events so far');
        live.next(value);
        expected += `data: ${value}\n\n`;
      }
      await until(() => body === expected, 'the last event');
      live.complete();
      await once(text, 'end');
    });

    if (adapter === 'fastify') {
      it('with a filter that includes event streams, too', async () => {
        await make(async (made) => {
          const { register } = made as unknown as {
            register: (plugin: unknown, options: object) => Promise<unknown>;
          };
          await register.call(made, fastifyCompress, {
            global: true,
            threshold: 0,
            customTypes: /event-stream/,
          });
        });
        await deliversAtOnce({ 'accept-encoding': 'gzip' });
      });
    }
  });

  it('beside middleware that sets headers and cookies, each field is sent once', async () => {
    await make((made) => {
      void use((_req, res, next) => {
        res.setHeader('Content-Security-Policy', "default-src 'self'");
        res.setHeader('X-Content-Type-Options', 'nosniff');
        res.setHeader('X-Frame-Options', 'SAMEORIGIN');
        res.setHeader('ETag', '"1"');
        res.setHeader('Content-Length', '17');
        res.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2; HttpOnly']);
        next();
      })(made);
      made.enableCors({ origin: 'https://app.example', credentials: true });
    });
    const stream = await openStream(app, '/quiet', { headers: { origin: 'https://app.example' } });
    expect(stream.headers).toMatchObject({
      'content-security-policy': "default-src 'self'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-credentials': 'true',
      'set-cookie': ['a=1; Path=/', 'b=2; HttpOnly'],
      'content-type': 'text/event-stream',
    });
    expect(stream.headers.etag).toBeUndefined();
    expect(stream.headers['content-length']).toBeUndefined();
    await stream.close();
  });

  it('beside a throttler, its headers are there, and its 429 comes before the stream', async () => {
    await make(() => undefined);
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await openStream(app, '/throttled'));
    expect(answers.map(({ status, headers }) => [status, headers['x-ratelimit-remaining']])).toEqual([
      [200, '1'],
      [200, '0'],
      [429, '-1'],
    ]);
    expect(answers[2]?.headers['retry-after']).toBe('60');
  });

  it('middleware that wraps write(), end() and writeHead() sees everything', async () => {
    const seen = { head: 0, body: '', ended: 0 };
    await make(
      use((_req, res, next) => {
        const { write, end, writeHead } = res;
        res.writeHead = ((...args: unknown[]) => {
          seen.head++;
          return Reflect.apply(writeHead, res, args) as ServerResponse;
        }) as typeof writeHead;
        res.write = ((chunk: unknown, ...rest: unknown[]) => {
          seen.body += String(chunk);
          return Reflect.apply(write, res, [chunk, ...rest]) as boolean;
        }) as typeof write;
        res.end = ((...args: unknown[]) => {
          seen.ended++;
          if (typeof args[0] === 'string') seen.body += args[0];
          return Reflect.apply(end, res, args) as ServerResponse;
        }) as typeof end;
        next();
      }),
    );
    const stream = await openStream(app, '/live');
    for (const value of ['one', 'two', TEXT]) {
      live.next(value);
      await stream.next();
    }
    live.next('last');
    live.complete();
    await stream.end();
    expect(seen).toEqual({ head: 1, body: stream.raw(), ended: 1 });
  });

  it('middleware can set its own properties on `app` of a request', async () => {
    await make(
      use((req, _res, next) => {
        Object.assign(req, { app: { tenant: 'a' } });
        next();
      }),
    );
    await deliversAtOnce();
  });

  it('beside a class serializer, classes in values and in events are serialized', async () => {
    await make((made) => {
      made.useGlobalInterceptors(new ClassSerializerInterceptor(made.get(Reflector)));
    });
    const stream = await openStream(app, '/users');
    await stream.end();
    expect(stream.raw()).toBe(
      ':\ndata: {"name":"ada"}\n\nevent: user\nid: 1\ndata: {"name":"ada"}\n\n' +
        'event: plain\ndata: {"name":"ada"}\n\ndata: [{"name":"ada"}]\n\ndata: text\n\n',
    );
  });

  describe('beside a global interceptor that wraps responses', () => {
    it('each value is wrapped, as each is a response to it', async () => {
      await make((made) => void made.useGlobalInterceptors(new Wrapping(false)));
      const stream = await openStream(app, '/live');
      live.next('one');
      expect((await stream.next()).data).toBe('{"success":true,"result":"one"}');
      await stream.close();
    });

    it('no value is wrapped if it asks isSseRoute()', async () => {
      await make((made) => void made.useGlobalInterceptors(new Wrapping(true)));
      const stream = await openStream(app, '/live');
      live.next('one');
      expect((await stream.next()).data).toBe('one');
      await stream.close();
      const ordinary = await openStream(app, '/ordinary', { headers: { accept: '*/*' } });
      expect(await ordinary.json()).toMatchObject({ success: true, result: { text: TEXT } });
    });
  });

  describe('beside a global interceptor that times out', () => {
    it('a silent stream ends with its error, as an event', async () => {
      await make((made) => void made.useGlobalInterceptors(new Timeout(false)));
      const stream = await openStream(app, '/quiet');
      expect((await stream.next('error')).json()).toMatchObject({ statusCode: 408 });
      expect(await stream.end()).toBe('ended');
    });

    it('a silent stream stays where it asks isSseRoute(), and other routes time out', async () => {
      await make((made) => void made.useGlobalInterceptors(new Timeout(true)));
      const stream = await openStream(app, '/live');
      const slow = await openStream(app, '/slow', { headers: { accept: '*/*' } });
      expect(slow.status).toBe(408);
      live.next('still here');
      expect((await stream.next()).data).toBe('still here');
      await stream.close();
    });
  });

  describe('beside a global interceptor that turns each response into a promise, which Nest awaits', () => {
    const mapped =
      (one: OperatorFunction<unknown, unknown>): Made =>
      (made) =>
        void made.useGlobalInterceptors({
          intercept: (_context: ExecutionContext, next: CallHandler) => next.handle().pipe(one),
        });

    it('a stream is an error that says what to write, not a series of empty objects', async () => {
      const logger = new RecordingLogger();
      await make(mapped(map(async (value) => value)), { logger });
      const stream = await openStream(app, '/live');
      live.next('one');
      expect((await stream.next('error')).json()).toMatchObject({ statusCode: 500 });
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).not.toContain('{}');
      expect(logger.errors).toEqual([expect.stringMatching(/MixedController\.live .*Promise.*concatMap/)]);
      const ordinary = await openStream(app, '/ordinary', { headers: { accept: '*/*' } });
      expect(await ordinary.json()).toMatchObject({ text: TEXT });
    });

    it('its values arrive in order if it uses concatMap()', async () => {
      await make(mapped(concatMap(async (value) => value)));
      await deliversAtOnce();
    });
  });

  it('beside an interceptor that waits for the whole answer, isSseRoute() lets a stream through', async () => {
    await make((made) => void made.useGlobalInterceptors(new Caching()));
    await deliversAtOnce();
    expect((await openStream(app, '/ordinary', { headers: { accept: '*/*' } })).status).toBe(200);
  });

  it('an interceptor that taps each value sees each once, and no value is held back', async () => {
    const seen: unknown[] = [];
    await make(
      (made) =>
        void made.useGlobalInterceptors({
          intercept: (_context: ExecutionContext, next: CallHandler) =>
            next.handle().pipe(tap((value: unknown) => seen.push(value))),
        }),
    );
    await deliversAtOnce();
    expect(seen).toEqual(['event 0', 'event 1', 'event 2', 'event 3', 'event 4']);
  });
});
