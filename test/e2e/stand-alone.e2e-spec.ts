import { ConflictException, Controller, Module, Sse as NestSse, UseInterceptors } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { concat, NEVER, Observable, of, throwError } from 'rxjs';
import {
  comment,
  ErrorEventInterceptor,
  event,
  FormatInterceptor,
  HeartbeatInterceptor,
  retryAfter,
} from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { eachAdapter, until } from './adapters.js';

let released = 0;
const quiet = (): Observable<unknown> => new Observable(() => () => released++);
const failing = (): Observable<unknown> =>
  concat(
    of('before'),
    throwError(() => new ConflictException('taken')),
  );

@Controller()
class NestController {
  @NestSse('format')
  @UseInterceptors(FormatInterceptor)
  format(): Observable<never> {
    return of(
      'text',
      undefined,
      { pct: 1 },
      null,
      7,
      event({ type: 't', id: 'i', data: { a: 1 } }),
      comment('c'),
      retryAfter(5),
      { data: 'message', event: 'e' },
    ) as Observable<never>;
  }
  @NestSse('data')
  @UseInterceptors(new FormatInterceptor({ emits: 'data', serialize: (value) => `<${typeof value}>` }))
  data(): Observable<never> {
    return of({ data: 'x', type: 'evil' }, 'text') as Observable<never>;
  }
  @NestSse('illegal')
  @UseInterceptors(ErrorEventInterceptor, FormatInterceptor)
  illegal(): Observable<never> {
    return of('a', { type: 'x\ny', data: 1 }) as Observable<never>;
  }
  @NestSse('errors')
  @UseInterceptors(new ErrorEventInterceptor({ event: 'failure' }), FormatInterceptor)
  errors(): Observable<never> {
    return failing() as Observable<never>;
  }
  @NestSse('mapped')
  @UseInterceptors(new ErrorEventInterceptor({ map: (error) => event({ type: 'own', data: String(error) }) }))
  mapped(): Observable<never> {
    return failing() as Observable<never>;
  }
  @NestSse('first')
  @UseInterceptors(ErrorEventInterceptor)
  first(): Observable<never> {
    return throwError(() => new ConflictException('taken'));
  }
  @NestSse('heartbeat')
  @UseInterceptors(new HeartbeatInterceptor({ intervalMs: 5 }))
  heartbeat(): Observable<never> {
    return quiet() as Observable<never>;
  }
  @NestSse('named')
  @UseInterceptors(
    new HeartbeatInterceptor({ intervalMs: 5, event: 'ping', data: { n: 1 }, id: () => 'beat' }),
  )
  named(): Observable<never> {
    return NEVER;
  }
  @NestSse('all')
  @UseInterceptors(HeartbeatInterceptor, ErrorEventInterceptor, FormatInterceptor)
  all(): Observable<never> {
    return failing() as Observable<never>;
  }
}
@Module({ controllers: [NestController] })
class NestModule {}

it.each<[string, () => unknown, string]>([
  [
    'a format',
    () => new FormatInterceptor({ emit: 'data' } as object),
    'Unknown option "emit": "data". Did you mean "emits"?',
  ],
  ['an error event', () => new ErrorEventInterceptor({ name: 'e' } as object), 'Unknown option "name": "e".'],
  ['a heartbeat', () => new HeartbeatInterceptor({ intervalMs: 0 }), 'Invalid option "intervalMs": 0.'],
])('%s with invalid options is rejected when it is created', (_what, make, message) => {
  expect(make).toThrow(
    expect.objectContaining({
      code: 'SSE_INVALID_OPTIONS',
      message: expect.stringContaining(message) as string,
    }) as Error,
  );
});

eachAdapter((adapter) => {
  let app: INestApplication;
  const logger = new RecordingLogger();
  beforeAll(async () => {
    const platform = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
    app = await NestFactory.create<INestApplication>(NestModule, platform as never, { logger });
    await app.listen(0, '127.0.0.1');
  });
  beforeEach(() => {
    released = logger.errors.length = 0;
  });
  afterAll(() => app.close());

  const body = async (path: string): Promise<string> => {
    const stream = await openStream(app, path);
    expect(stream.status).toBe(200);
    await stream.end();
    return stream.raw();
  };
  const BEFORE = 'id: 1\ndata: before\n\n';

  it("formatting gives Nest's own @Sse() our rules", async () => {
    expect(await body('/format')).toBe(
      '\nid: 1\ndata: text\n\nid: 2\ndata: {"pct":1}\n\nid: 3\ndata: null\n\nid: 4\ndata: 7\n\n' +
        'event: t\nid: i\ndata: {"a":1}\n\n: c\n\nid: 5\nretry: 5\n\nevent: e\nid: 6\ndata: message\n\n',
    );
    expect(await body('/data')).toBe('\nid: 1\ndata: <object>\n\nid: 2\ndata: text\n\n');
  });

  it('formatting rejects values that are not valid events', async () => {
    expect(await body('/illegal')).toContain('event: error\n');
    expect(logger.errors).toHaveLength(1);
    expect(logger.errors[0]).toContain('"type" cannot be "x\\ny"');
  });

  it('an error in mid-stream is one event, then the end', async () => {
    expect(await body('/errors')).toBe(
      `\n${BEFORE}event: failure\nid: 2\ndata: {"statusCode":409,"error":"Conflict","message":"taken"}\n\n`,
    );
    expect(await body('/mapped')).toBe(`\n${BEFORE}event: own\nid: 2\ndata: ConflictException: taken\n\n`);
    expect(logger.errors).toEqual([]);
  });

  it('an error before the first event stays an HTTP error', async () => {
    const answer = await openStream(app, '/first');
    expect(answer.status).toBe(409);
    expect(await answer.json()).toEqual({ statusCode: 409, error: 'Conflict', message: 'taken' });
  });

  it('heartbeats are sent while a stream is silent, and stop with it', async () => {
    const stream = await openStream(app, '/heartbeat');
    await stream.rawUntil((text) => text.startsWith('\n: \n\n: \n\n'));
    await stream.close();
    await until(() => released === 1, 'the release');
    const named = await openStream(app, '/named');
    expect(await named.next('ping')).toMatchObject({ id: 'beat', data: '{"n":1}' });
    await named.close();
  });

  it('the three work together', async () => {
    expect(await body('/all')).toContain('event: error\nid: 2\ndata: {"statusCode":409');
  });
});
