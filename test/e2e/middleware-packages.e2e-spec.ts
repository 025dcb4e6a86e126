import fastifyCompress from '@fastify/compress';
import fastifyCookie from '@fastify/cookie';
import fastifyHelmet from '@fastify/helmet';
import {
  Controller,
  Get,
  Injectable,
  NotFoundException,
  Res,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import compression from 'compression';
import cookieParser from 'cookie-parser';
import helmet from 'helmet';
import { Subject } from 'rxjs';
import { Sse, SseConnections } from 'nestjs-event-stream';
import { ManualClock } from '../fixtures/manual-clock.js';
import { ThrottlerGuard, ThrottlerModule } from '../fixtures/throttler.js';
import { closeApps, eachAdapter, makeApp, until, type TestAppOptions } from './adapters.js';
import { RawClient } from './raw-client.js';

let live: Subject<unknown>;
let handled = 0;

/** The part of either framework's response that is used here, with cookies. */
interface CookieResponse {
  cookie(name: string, value: string, options: object): unknown;
}
const COOKIE = { path: '/', httpOnly: true, sameSite: 'lax' };

/** Admits requests with a session, and counts each visit. */
@Injectable()
class SessionGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { cookies } = http.getRequest<{ cookies: Record<string, string | undefined> }>();
    http.getResponse<CookieResponse>().cookie('visited', 'yes', COOKIE);
    if (cookies['session'] === undefined) throw new UnauthorizedException();
    return true;
  }
}

@Controller()
class StreamsController {
  @Sse('live')
  live() {
    handled++;
    return live;
  }
  @Sse('revalidated', { revalidateMs: 1000, heartbeat: false })
  revalidated() {
    return live;
  }
  @Sse('missing')
  missing(): string[] {
    throw new NotFoundException();
  }
  @Sse('one', { limit: { key: 'route', max: 1 } })
  one() {
    return live;
  }
  @UseGuards(SessionGuard)
  @Sse('session')
  async *session(@Res({ passthrough: true }) response: CookieResponse) {
    response.cookie('at', 'start', COOKIE);
    await new Promise(setImmediate);
    response.cookie('before', 'head', COOKIE);
    yield 'in';
    await new Promise(setImmediate);
    yield 'and on';
  }
  @Get('ordinary')
  ordinary() {
    return 'x'.repeat(5000);
  }
}

/** The fields that helmet sets by default. */
const HELMET = [
  'content-security-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'origin-agent-cluster',
  'referrer-policy',
  'strict-transport-security',
  'x-content-type-options',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-frame-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
];
const ORIGIN = 'https://app.example';

/** A response as received: the status, and for each field name its values, one a line. */
interface Head {
  status: number;
  fields: Record<string, string[]>;
}

async function headOf(client: RawClient): Promise<Head> {
  await client.receives('\r\n\r\n');
  const [statusLine = '', ...lines] = client.received.split('\r\n\r\n', 1)[0]?.split('\r\n') ?? [];
  const fields: Record<string, string[]> = {};
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(line) ?? [];
    (fields[name.toLowerCase()] ??= []).push(value);
  }
  return { status: Number(statusLine.split(' ')[1]), fields };
}

eachAdapter((adapter) => {
  let app: INestApplication;
  beforeEach(() => {
    live = new Subject();
    handled = 0;
  });
  afterEach(closeApps);

  type Made = (app: INestApplication) => Promise<void>;
  const plugin = async (made: INestApplication, on: unknown, options: object = {}): Promise<void> => {
    const { register } = made as unknown as { register: (on: unknown, options: object) => Promise<void> };
    await register.call(made, on, options);
  };
  const withHelmet: Made = async (made) =>
    adapter === 'express' ? void made.use(helmet()) : plugin(made, fastifyHelmet);
  const withCookies: Made = async (made) =>
    adapter === 'express' ? void made.use(cookieParser()) : plugin(made, fastifyCookie);
  const withCors: Made = async (made) => made.enableCors({ origin: [ORIGIN], credentials: true });
  const withCompression: Made = async (made) =>
    adapter === 'express'
      ? void made.use(compression({ threshold: 0, filter: () => true }))
      : plugin(made, fastifyCompress, { global: true, threshold: 0 });

  async function make(setUps: Made[], options: TestAppOptions = {}): Promise<void> {
    const setUp = async (made: INestApplication): Promise<void> => {
      for (const each of setUps) await each(made);
    };
    app = await makeApp(adapter, { controllers: [StreamsController], setUp, ...options });
  }
  const throttled = (throttler: object = {}): TestAppOptions => ({
    imports: [ThrottlerModule.forRoot([{ ttl: 60_000, limit: 2, ...throttler }])],
    providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
  });

  const get = (path: string, ...lines: string[]): Promise<RawClient> =>
    RawClient.get(app, path, 'Accept: text/event-stream', ...lines);
  async function answer(path: string, ...lines: string[]): Promise<Head> {
    return headOf(await get(path, ...lines));
  }

  /** Each event arrives before the next is made, and nothing else. */
  async function deliversAtOnce(client: RawClient): Promise<void> {
    const before = client.body;
    let events = '';
    for (let i = 0; i < 5; i++) {
      live.next(`event ${i}`);
      events += `data: event ${i}\n\n`;
      await until(() => client.body === before + events, `event ${i}`);
    }
  }

  it('helmet: each of its fields once, as on any route, and each event at once', async () => {
    await make([withHelmet]);
    const client = await get('/live');
    const { status, fields } = await headOf(client);
    const ordinary = await answer('/ordinary');
    expect([status, fields['content-type']]).toEqual([200, ['text/event-stream']]);
    for (const name of HELMET) {
      expect([name, fields[name]]).toEqual([name, ordinary.fields[name]]);
      expect(fields[name]).toHaveLength(1);
    }
    expect(fields['x-powered-by']).toBeUndefined();
    await deliversAtOnce(client);
  });

  describe('a throttler', () => {
    it('sends the remaining number, and 429 with Retry-After before the stream; open streams stay open', async () => {
      await make([], throttled());
      const [first, second] = [await get('/live'), await get('/live')];
      const heads = [await headOf(first), await headOf(second)];
      expect(
        heads.map(({ status, fields }) => [
          status,
          fields['x-ratelimit-limit'],
          fields['x-ratelimit-remaining'],
        ]),
      ).toEqual([
        [200, ['2'], ['1']],
        [200, ['2'], ['0']],
      ]);
      const third = await get('/live', 'Connection: close');
      const { status, fields } = await headOf(third);
      expect([status, fields['retry-after'], fields['cache-control']]).toEqual([429, ['60'], undefined]);
      expect(fields['content-type']).toEqual(['application/json; charset=utf-8']);
      await third.isClosed();
      expect(JSON.parse(third.body)).toEqual({
        statusCode: 429,
        message: 'ThrottlerException: Too Many Requests',
      });
      expect(handled).toBe(2);
      await deliversAtOnce(first);
    });

    // As docs/authorization.md describes.
    const skipIf = (context: ExecutionContext): boolean => {
      const response = context.switchToHttp().getResponse<{ headersSent?: boolean; raw?: object }>();
      return ((response.raw ?? response) as { headersSent: boolean }).headersSent;
    };

    it.each<[skips: string, options: object, body: RegExp]>([
      ['once, where it lets pass what runs again', { skipIf }, /^:\ndata: still here\n\n$/],
      [
        'with each revalidation, where it does not',
        {},
        /^:\nevent: error\ndata: \{"statusCode":429,"error":"Too Many Requests","message":"ThrottlerException: Too Many Requests"\}\n\n$/,
      ],
    ])('counts a stream that is open %s', async (_how, options, body) => {
      const clock = new ManualClock();
      await make([], { ...throttled({ limit: 1, ...options }), clock });
      const client = await get('/revalidated');
      await client.receives(':\n');
      for (let i = 0; i < 10; i++) {
        clock.advance(500);
        for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      }
      live.next('still here');
      await until(() => body.test(client.body), client.body);
    });
  });

  describe('CORS with credentials', () => {
    const GRANTED = [[ORIGIN], ['true']];
    const granted = ({ fields }: Head): unknown => [
      fields['access-control-allow-origin'],
      fields['access-control-allow-credentials'],
    ];
    const from = `Origin: ${ORIGIN}`;

    it('is granted once to a stream, whose events arrive at once', async () => {
      await make([withCors]);
      const client = await get('/live', from);
      const head = await headOf(client);
      expect(granted(head)).toEqual(GRANTED);
      expect(head.fields['vary']).toEqual(['Origin']);
      await deliversAtOnce(client);
    });

    it('is granted to the preflight of a client that sends headers', async () => {
      await make([withCors]);
      const client = await RawClient.connect(
        app,
        `OPTIONS /live HTTP/1.1\r\nHost: x\r\n${from}\r\nAccess-Control-Request-Method: GET\r\n` +
          'Access-Control-Request-Headers: authorization,last-event-id\r\nConnection: close\r\n\r\n',
      );
      const head = await headOf(client);
      expect([head.status, granted(head)]).toEqual([204, GRANTED]);
      expect(head.fields['access-control-allow-methods']?.join()).toMatch(/\bGET\b/);
      expect(head.fields['access-control-allow-headers']).toEqual(['authorization,last-event-id']);
      await client.isClosed();
      expect([client.body, handled]).toEqual(['', 0]);
    });

    it.each<[what: string, path: string, status: number, line: string]>([
      ['an error of the handler', '/missing', 404, 'X-None: 1'],
      ['a Last-Event-ID that cannot be', '/live', 400, `Last-Event-ID: ${'x'.repeat(5000)}`],
      ['a limit that is reached', '/one', 429, 'X-None: 1'],
      // Without it a browser reports a network failure, and retries forever.
      ['a reconnect after the end', '/live', 204, 'Last-Event-ID: ~end'],
    ])('is granted once to %s', async (_what, path, status, line) => {
      await make([withCors]);
      if (status === 429) await headOf(await get('/one'));
      const client = await RawClient.get(app, path, from, line);
      const head = await headOf(client);
      expect([head.status, granted(head)]).toEqual([status, GRANTED]);
    });

    it('is not granted to another origin', async () => {
      await make([withCors]);
      const head = await answer('/live', 'Origin: https://other.example');
      expect([head.status, head.fields['access-control-allow-origin']]).toEqual([200, undefined]);
    });
  });

  it('cookies: a guard reads them; those that are set before the head arrive, on a stream as on an error', async () => {
    await make([withCookies]);
    const refused = await answer('/session');
    expect([refused.status, refused.fields['set-cookie']]).toEqual([
      401,
      ['visited=yes; Path=/; HttpOnly; SameSite=Lax'],
    ]);
    const client = await get('/session', 'Cookie: a=b; session=7');
    const { status, fields } = await headOf(client);
    expect([status, fields['set-cookie']]).toEqual([
      200,
      [
        'visited=yes; Path=/; HttpOnly; SameSite=Lax',
        'at=start; Path=/; HttpOnly; SameSite=Lax',
        'before=head; Path=/; HttpOnly; SameSite=Lax',
      ],
    ]);
    await until(() => client.body === ':\ndata: in\n\ndata: and on\n\n');
  });

  it('all of them together: the fields of each once, and each event at once, uncompressed', async () => {
    await make([withCompression, withHelmet, withCors, withCookies], throttled());
    const client = await get('/live', `Origin: ${ORIGIN}`, 'Accept-Encoding: gzip, br', 'Cookie: session=7');
    const { status, fields } = await headOf(client);
    expect(status).toBe(200);
    for (const name of [
      ...HELMET,
      'access-control-allow-origin',
      'access-control-allow-credentials',
      'x-ratelimit-remaining',
      'cache-control',
      'content-type',
    ]) {
      expect([name, fields[name]?.length]).toEqual([name, 1]);
    }
    expect(fields['content-encoding']).toBeUndefined();
    await until(() => client.body === ':\n');
    await deliversAtOnce(client);
    const ordinary = await answer('/ordinary', 'Accept-Encoding: gzip', 'Accept: */*');
    expect(ordinary.fields['content-encoding']).toEqual(['gzip']);
    client.leave();
    await until(() => app.get(SseConnections).count() === 0);
  });
});
