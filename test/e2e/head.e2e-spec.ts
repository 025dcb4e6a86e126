import cookie from '@fastify/cookie';
import {
  Controller,
  Header,
  HttpCode,
  HttpStatus,
  Injectable,
  Req,
  RequestMethod,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import type { CallHandler, ExecutionContext, INestApplication, NestInterceptor } from '@nestjs/common';
import { connect } from 'node:net';
import { Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

/** The part of a framework's response that is used here. */
interface AnyResponse {
  setHeader?(name: string, value: string | string[]): void;
  header(name: string, value: string): unknown;
  status(code: number): unknown;
  cookie?(name: string, value: string, options?: object): void;
  setCookie?(name: string, value: string, options?: object): void;
  raw?: AnyResponse;
}

@Injectable()
class HeaderInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    context.switchToHttp().getResponse<AnyResponse>().header('X-Interceptor', 'yes');
    return next.handle();
  }
}

/** The second value comes in a later turn, so the head is written first. */
async function* inTwoTurns(): AsyncGenerator<string> {
  yield 'a';
  await new Promise((resolve) => setTimeout(resolve, 5));
  yield 'b';
}

function setCookies(response: AnyResponse): void {
  for (const [name, value] of [
    ['a', '1'],
    ['b', '2'],
  ] as const) {
    response.cookie?.(name, value, { httpOnly: true, sameSite: 'lax' });
    response.setCookie?.(name, value, { httpOnly: true, sameSite: 'lax', path: '/' });
  }
}

@Controller()
class HeadController {
  @Sse('plain')
  async *plain() {
    yield* inTwoTurns();
  }

  @Sse('kept')
  @Header('X-Decorator', 'once')
  @UseInterceptors(HeaderInterceptor)
  async *kept(@Res({ passthrough: true }) response: AnyResponse) {
    response.header('X-Handler', 'yes');
    yield* inTwoTurns();
  }

  @Sse('overridden')
  @Header('CONTENT-TYPE', 'text/plain; charset=utf-8')
  @Header('cache-control', 'public, max-age=60')
  @Header('x-accel-buffering', 'yes')
  @Header('Content-Length', '5')
  @Header('ETag', '"tag"')
  @Header('content-encoding', 'identity')
  async *overridden(@Res({ passthrough: true }) response: AnyResponse) {
    response.header('content-type', 'text/html');
    yield* inTwoTurns();
  }

  @Sse('legal')
  @Header('content-type', 'Text/Event-Stream; charset=UTF-8')
  @Header('Cache-Control', 'no-cache')
  async *legal() {
    yield* inTwoTurns();
  }

  @Sse('legal-by-handler')
  async *legalByHandler(@Res({ passthrough: true }) response: AnyResponse) {
    response.header('Content-Type', 'text/event-stream;charset=utf-8');
    response.header('Cache-Control', 'private, max-age=0, must-revalidate');
    yield* inTwoTurns();
  }

  @Sse('other-charset')
  @Header('Content-Type', 'text/event-stream; charset=latin1')
  @Header('Cache-Control', () => 'max-age=01')
  async *otherCharset() {
    yield* inTwoTurns();
  }

  @Sse('cookies')
  cookies(@Res({ passthrough: true }) response: AnyResponse) {
    setCookies(response);
    return inTwoTurns();
  }

  @Sse('late-cookies')
  async *lateCookies(@Res({ passthrough: true }) response: AnyResponse) {
    await new Promise((resolve) => setImmediate(resolve));
    setCookies(response);
    yield* inTwoTurns();
  }

  @Sse('post', { method: RequestMethod.POST })
  async *post() {
    yield* inTwoTurns();
  }

  @Sse('code-below')
  @HttpCode(HttpStatus.ACCEPTED)
  async *codeBelow() {
    yield* inTwoTurns();
  }

  @HttpCode(HttpStatus.ACCEPTED)
  @Sse('code-above')
  async *codeAbove() {
    yield* inTwoTurns();
  }

  @Sse('status')
  async *status(@Res({ passthrough: true }) response: AnyResponse) {
    response.status(203);
    yield* inTwoTurns();
  }

  @Sse('whole-response')
  async *wholeResponse(@Req() _request: unknown, @Res() response: AnyResponse) {
    response.status(203);
    response.header('X-Handler', 'yes');
    yield* inTwoTurns();
  }
}

/** The head as received: status line and fields, in their order and case. */
async function head(
  app: INestApplication,
  path: string,
  fields: string[] = [],
  method = 'GET',
): Promise<string[]> {
  const { port } = new URL(await app.getUrl());
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...fields, '', ''].join('\r\n'),
  );
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString();
  // The stream of each head is read to its end.
  expect(text).toMatch(/data: a\n\n[^]*data: b\n\n\r\n0\r\n\r\n$/);
  return text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
}

/** The fields of that name, in any case, as `name: value`. */
const named = (lines: string[], name: string): string[] =>
  lines.filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));

const REQUIRED = [
  'Content-Type: text/event-stream',
  'Cache-Control: no-cache, no-store, no-transform',
  'X-Accel-Buffering: no',
  'X-Content-Type-Options: nosniff',
];

eachAdapter((adapter) => {
  let app: INestApplication;
  const withCookies = async (made: INestApplication): Promise<void> => {
    if (adapter === 'fastify')
      await (made as never as { register(plugin: unknown): Promise<void> }).register(cookie);
  };

  afterEach(closeApps);

  describe.each(['without', 'with'])('%s onSend hooks of the framework', (hooks) => {
    let logger: RecordingLogger;
    beforeEach(async () => {
      logger = new RecordingLogger();
      app = await makeApp(adapter, {
        controllers: [HeadController],
        logger,
        setUp: async (made) => {
          if (hooks === 'with') await withCookies(made);
          made.use((_request: unknown, response: AnyResponse, next: () => void) => {
            response.setHeader?.('X-Middleware', 'yes');
            response.setHeader?.('Vary', 'Accept-Encoding');
            response.setHeader?.('content-type', 'text/plain');
            response.setHeader?.('Set-Cookie', ['m=0']);
            next();
          });
          made.enableCors({ origin: [/page\.example$/], credentials: true, exposedHeaders: 'X-Handler' });
        },
      });
    });

    it('has each field that it needs exactly once', async () => {
      const lines = await head(app, '/plain');
      expect(lines[0]).toBe('HTTP/1.1 200 OK');
      for (const field of REQUIRED) {
        const name = field.slice(0, field.indexOf(':'));
        expect(named(lines, name).map((line) => line.toLowerCase())).toEqual([field.toLowerCase()]);
      }
    });

    it('has none of the fields that describe a body of known length', async () => {
      for (const path of ['/plain', '/overridden']) {
        const lines = await head(app, path);
        for (const name of ['content-length', 'etag', 'content-encoding'])
          expect(named(lines, name)).toEqual([]);
        expect(named(lines, 'transfer-encoding')).toEqual(['Transfer-Encoding: chunked']);
      }
    });

    it.each([
      ['/legal', 'Text/Event-Stream; charset=UTF-8', 'no-cache'],
      ['/legal-by-handler', 'text/event-stream;charset=utf-8', 'private, max-age=0, must-revalidate'],
    ])('keeps fields that are valid for an event stream (%s)', async (path, type, cacheControl) => {
      const lines = await head(app, path);
      const values = (name: string) => named(lines, name).map((line) => line.split(': ')[1]);
      expect([values('content-type'), values('cache-control')]).toEqual([[type], [cacheControl]]);
      expect([values('x-accel-buffering'), values('x-content-type-options')]).toEqual([['no'], ['nosniff']]);
    });

    it('the start-up names each @Header() that is not sent with a stream', () => {
      const named = logger.warnings.filter((line) => line.includes('@Header'));
      expect(
        named.map((line) => /^HeadController\.(\w+) has @Header\('([\w-]+)'/.exec(line)?.slice(1)),
      ).toEqual([
        ['overridden', 'content-encoding'],
        ['overridden', 'ETag'],
        ['overridden', 'Content-Length'],
        ['overridden', 'x-accel-buffering'],
        ['overridden', 'cache-control'],
        ['overridden', 'CONTENT-TYPE'],
        ['otherCharset', 'Content-Type'],
      ]);
      expect(named[4]).toBe(
        "HeadController.overridden has @Header('cache-control', 'public, max-age=60'), which is not legal for an " +
          'event stream. Its streams are sent with "Cache-Control: no-cache, no-store, no-transform". ' +
          'Its ordinary answers keep the header.',
      );
    });

    it.each(['/overridden', '/other-charset'])('replaces invalid fields, in any case (%s)', async (path) => {
      const lines = await head(app, path);
      for (const field of REQUIRED) {
        const name = field.slice(0, field.indexOf(':'));
        expect(named(lines, name).map((line) => line.toLowerCase())).toEqual([field.toLowerCase()]);
      }
    });

    it('keeps the fields of middleware, decorators, interceptors, handlers and CORS, each once', async () => {
      const lines = await head(app, '/kept', ['Origin: https://page.example']);
      for (const [name, value] of [
        ['X-Middleware', 'yes'],
        ['X-Decorator', 'once'],
        ['X-Interceptor', 'yes'],
        ['X-Handler', 'yes'],
        ['Access-Control-Allow-Origin', 'https://page.example'],
        ['Access-Control-Allow-Credentials', 'true'],
        ['Access-Control-Expose-Headers', 'X-Handler'],
      ] as const) {
        expect(named(lines, name).map((line) => line.split(': ')[1])).toEqual([value]);
      }
      const vary = named(lines, 'vary');
      expect(vary).toHaveLength(1);
      expect(vary[0]).toMatch(/Origin/);
    });

    it('keeps cookies, also those set after the first await', async () => {
      for (const path of ['/cookies', '/late-cookies']) {
        const cookies = named(await head(app, path), 'set-cookie').map((line) => line.split(': ')[1]);
        expect(cookies).toContain('m=0');
        if (adapter === 'fastify' && hooks === 'without') continue;
        expect(cookies.toSorted()).toEqual(
          ['a', 'b'].map((name, i) => `${name}=${i + 1}; Path=/; HttpOnly; SameSite=Lax`).concat('m=0'),
        );
      }
    });

    it('has status 200 whatever the method', async () => {
      const stream = await openStream(app, '/post', { body: { stream: true } });
      expect(stream.status).toBe(200);
      expect(await stream.rest()).toHaveLength(2);
    });

    it.each([
      ['/code-below', 202],
      ['/code-above', 202],
      ['/status', 203],
      ['/whole-response', 203],
    ])('has the status that the handler sets (%s)', async (path, status) => {
      const stream = await openStream(app, path);
      expect(stream.status).toBe(status);
      expect(stream.headers['content-type']).toBe('text/event-stream');
      await stream.end();
      expect(stream.raw()).toBe(':\ndata: a\n\ndata: b\n\n');
    });
  });
});
