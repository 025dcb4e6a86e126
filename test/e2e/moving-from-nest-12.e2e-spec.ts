import * as nest from '@nestjs/common';
import {
  BadRequestException,
  Controller,
  ForbiddenException,
  Header,
  HttpCode,
  Injectable,
  Param,
  ParseIntPipe,
  RequestMethod,
  Res,
  SseSignal,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { CallHandler, CanActivate, INestApplication, NestInterceptor, Type } from '@nestjs/common';
import {
  concat,
  defer,
  EMPTY,
  from,
  interval,
  map,
  merge,
  NEVER,
  Observable,
  of,
  range,
  take,
  throwError,
} from 'rxjs';
import * as ours from 'nestjs-event-stream';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

/** The type that both decorators have. */
type AnySse = (
  path: string,
  options?: { method?: RequestMethod; maxPendingDataLength?: number },
) => MethodDecorator;

/** Values that a handler emits; a client sees the same events under both decorators. */
const SAME: Record<string, () => unknown> = {
  text: () => of('a', 'b\nc\r\nd\re', '', ' spaces '),
  numbers: () => of(1, 0, true, false),
  'MessageEvents with text': () => of({ data: 'a' }, { data: '' }, { data: 'b\nc' }),
  'MessageEvents with objects': () => of({ data: { a: 1 } }, { data: [1, 2] }, { data: 0 }, { data: false }),
  'MessageEvents with a type': () => of({ type: 'tick', data: 1 }, { type: 'tock', data: 'x' }),
  'MessageEvents with ids': () => of({ id: '7', data: 'a' }, { id: 'x-8', data: 'b', type: 't', retry: 5 }),
  'MessageEvents with a comment': () =>
    of({ comment: 'c', data: 'a' }, { comment: 'alone' } as object, { data: 'b' }),
  'MessageEvents without data': () => of({ data: undefined }, { data: 'b' }),
  'nothing at all': () => EMPTY,
  undefined: () => of('a', undefined, 'b'),
  'many values in one turn': () => range(0, 1000).pipe(map((data) => ({ data }))),
  'values over time': () =>
    interval(1).pipe(
      take(5),
      map((n) => ({ data: { n } })),
    ),
  'a promise': () => from(Promise.resolve({ data: 'promised' })),
  'an async generator': () =>
    from(
      (async function* () {
        yield { data: 'a' };
        yield { data: 'b' };
      })(),
    ),
  'a promised Observable': async () => of({ data: 'a' }),
  'a deferred Observable': () => defer(() => of({ data: 'a' })),
  'merged Observables': () => merge(of({ data: 'a' }), interval(1).pipe(take(2))),
};

/** Failures before the first event; a client gets the same answer under both decorators. */
const SAME_ERRORS: Record<string, () => unknown> = {
  'an HttpException of the handler': () => {
    throw new BadRequestException('no');
  },
  'an HttpException of an async handler': async () => {
    throw new BadRequestException(['a', 'b']);
  },
  'an Error of the handler': () => {
    throw new Error('secret');
  },
  'an HttpException of the Observable': () => throwError(() => new ForbiddenException()),
  'an HttpException a microtask later': () =>
    defer(() => from(Promise.reject(new ForbiddenException('not you')))),
  'a first value that JSON cannot express': () => of({ data: 1n }),
};

/** Values that a handler emits, and what a client sees of them under Nest's decorator and under ours. */
type Seen = [type: string, data: string][];
const UNKNOWN: Seen[number] = [
  'error',
  '{"statusCode":500,"error":"Internal Server Error","message":"Internal server error"}',
];
const DIFFERENT: Record<string, [emitted: () => unknown, nest: Seen, ours: Seen]> = {
  'null is a value': [
    () => of('a', null),
    [['message', 'a']],
    [
      ['message', 'a'],
      ['message', 'null'],
    ],
  ],
  'an array is a payload': [() => of([1, 2]), [], [['message', '[1,2]']]],
  'an object without data is a payload': [() => of({ pct: 7 }), [], [['message', '{"pct":7}']]],
  'an object with other keys beside data is a payload': [
    () => of({ data: 'x', at: 7 }),
    [['message', 'x']],
    [['message', '{"data":"x","at":7}']],
  ],
  'an object of a class is a payload': [
    () =>
      of(
        new (class Tick {
          data = 'x';
          type = 't';
        })(),
      ),
    [['t', 'x']],
    [['message', '{"data":"x","type":"t"}']],
  ],
  'data of null is a value': [() => of({ data: null }), [], [['message', 'null']]],
  'event is another name of type': [() => of({ event: 'e', data: 'x' }), [['message', 'x']], [['e', 'x']]],
  'a line break in a type is refused': [
    () => of('a', { type: 't\nid: evil', data: 'x' }),
    [
      ['message', 'a'],
      ['tid: evil', 'x'],
    ],
    [['message', 'a'], UNKNOWN],
  ],
  'a line break in an id is refused': [
    () => of('a', { id: '1\n2', data: 'x' }),
    [
      ['message', 'a'],
      ['message', 'x'],
    ],
    [['message', 'a'], UNKNOWN],
  ],
  'a type without data is refused': [
    () => of('a', { type: 'ping', data: undefined }),
    [['message', 'a']],
    [['message', 'a'], UNKNOWN],
  ],
  'a retry that is text is refused': [
    () => of('a', { retry: '5', data: 'x' }),
    [
      ['message', 'a'],
      ['message', 'x'],
    ],
    [['message', 'a'], UNKNOWN],
  ],
  'an id beyond ASCII is refused': [
    () => of('a', { id: 'é', data: 'x' }),
    [
      ['message', 'a'],
      ['message', 'x'],
    ],
    [['message', 'a'], UNKNOWN],
  ],
  'an error in mid-stream is JSON': [
    () =>
      concat(
        of('a'),
        throwError(() => new ForbiddenException('not you')),
      ),
    [
      ['message', 'a'],
      ['error', 'not you'],
    ],
    [
      ['message', 'a'],
      ['error', '{"statusCode":403,"error":"Forbidden","message":"not you"}'],
    ],
  ],
};

const released: string[] = [];

@Injectable()
class ClosedGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}
@Injectable()
class UpperCaseInterceptor implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler<{ data: string }>) {
    return next.handle().pipe(map(({ data }) => ({ data: data.toUpperCase() })));
  }
}

/** One controller, under one decorator or the other. */
function controllerOf(name: string, Sse: AnySse): Type {
  @Controller(name)
  class MovedController {
    @Sse('same/:name')
    same(@Param('name') which: string): unknown {
      return SAME[which]?.();
    }
    @Sse('errors/:name')
    errors(@Param('name') which: string): unknown {
      return SAME_ERRORS[which]?.();
    }
    @Sse('different/:name')
    different(@Param('name') which: string): unknown {
      return DIFFERENT[which]?.[0]();
    }
    @Sse('post', { method: RequestMethod.POST })
    post() {
      return of({ data: 'a' });
    }
    @Sse('code', { method: RequestMethod.POST })
    @HttpCode(202)
    @Header('X-Decorated', 'yes')
    code() {
      return of({ data: 'a' });
    }
    @Sse('status')
    async status(@Res({ passthrough: true }) response: { status(code: number): void }) {
      response.status(203);
      return of({ data: 'a' });
    }
    @Sse('guarded')
    @UseGuards(ClosedGuard)
    guarded() {
      return of({ data: 'a' });
    }
    @Sse('pipe/:id')
    pipe(@Param('id', ParseIntPipe) id: number) {
      return of({ data: id });
    }
    @Sse('intercepted')
    @UseInterceptors(UpperCaseInterceptor)
    intercepted() {
      return of({ data: 'a' }, { data: 'b' });
    }
    @Sse('left')
    left(@SseSignal() signal: AbortSignal) {
      signal.addEventListener('abort', () => released.push('aborted'));
      return new Observable((subscriber) => {
        subscriber.next({ data: 'a' });
        return () => released.push('unsubscribed');
      });
    }
    @Sse('left-in-setup')
    async leftInSetup(@SseSignal() signal: AbortSignal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      released.push('aborted');
      return new Observable(() => void released.push('subscribed'));
    }
    @Sse('raised', { maxPendingDataLength: 0 })
    raised() {
      return of({ data: 'a' });
    }
    @Sse('head')
    head() {
      released.push('ran');
      return NEVER;
    }
  }
  return MovedController;
}

eachAdapter((adapter) => {
  let app: INestApplication;
  beforeAll(async () => {
    app = await makeApp(adapter, {
      controllers: [controllerOf('nest', nest.Sse as AnySse), controllerOf('ours', ours.Sse)],
      providers: [ClosedGuard],
    });
  });
  beforeEach(() => {
    released.length = 0;
  });
  afterAll(closeApps);

  /** The response of each controller to a path. */
  const both = async <T>(
    path: string,
    of: (stream: TestStream) => Promise<T>,
    init = {},
  ): Promise<[T, T]> => {
    const get = async (name: string): Promise<T> =>
      of(await openStream(app, encodeURI(`/${name}${path}`), init));
    return [await get('nest'), await get('ours')];
  };
  const events = async (stream: TestStream) => {
    expect(stream.headers['content-type']).toBe('text/event-stream');
    const seen = (await stream.rest()).map(({ type, data }) => [type, data]);
    return { status: stream.status, seen };
  };
  const answer = async (stream: TestStream) => {
    const type = stream.headers['content-type'];
    return { status: stream.status, type, body: await stream.json() };
  };

  it.each(Object.keys(SAME))('%s: the same events', async (name) => {
    const [theirs, own] = await both(`/same/${name}`, events);
    expect(own).toEqual(theirs);
    expect(own.status).toBe(200);
    if (name !== 'nothing at all') expect(own.seen.length).toBeGreaterThan(0);
  });

  it('IDs that the handler sets: the same', async () => {
    const ids = async (stream: TestStream) => (await stream.rest()).map(({ id }) => id);
    const [theirs, own] = await both('/same/MessageEvents with ids', ids);
    expect(own).toEqual(theirs);
  });

  it.each(Object.keys(SAME_ERRORS))('%s: the same answer', async (name) => {
    const [theirs, own] = await both(`/errors/${name}`, answer);
    expect(own).toEqual(theirs);
    expect(own.status).toBeGreaterThanOrEqual(400);
  });

  it('guards and pipes: the same answer', async () => {
    for (const path of ['/guarded', '/pipe/x']) {
      const [theirs, own] = await both(path, answer);
      expect(own).toEqual(theirs);
    }
  });

  it('status and headers that a handler sets: the same', async () => {
    const head = async (stream: TestStream) => ({
      ...(await events(stream)),
      x: stream.headers['x-decorated'],
    });
    const [theirs, own] = await both('/code', head, { method: 'POST' });
    expect(own).toEqual(theirs);
    expect([own.status, own.x]).toEqual([202, 'yes']);
    const [theirStatus, ownStatus] = await both('/status', events);
    expect(ownStatus).toEqual(theirStatus);
    expect(ownStatus.status).toBe(203);
  });

  it('interceptors see each value: the same', async () => {
    const [theirs, own] = await both('/intercepted', events);
    expect(own).toEqual(theirs);
    expect(own.seen).toEqual([
      ['message', 'A'],
      ['message', 'B'],
    ]);
  });

  it('maxPendingDataLength: accepted', async () => {
    const [theirs, own] = await both('/raised', events);
    expect(own).toEqual(theirs);
  });

  it.each(['nest', 'ours'])('a client that leaves (%s): unsubscribed once, signal aborted', async (name) => {
    const stream = await openStream(app, `/${name}/left`);
    await stream.next();
    await stream.close();
    await until(() => released.length === 2);
    expect(released.toSorted()).toEqual(['aborted', 'unsubscribed']);
  });

  it.each(['nest', 'ours'])('a client that leaves during the setup (%s): never subscribed', async (name) => {
    const gone = openStream(app, `/${name}/left-in-setup`, { timeoutMs: 1 }).catch(() => undefined);
    const sockets = new Set<{ destroy(): void }>();
    const server = app.getHttpServer() as {
      once(e: string, l: (r: { socket: { destroy(): void } }) => void): void;
    };
    await new Promise<void>((resolve) => {
      server.once('request', ({ socket }) => {
        sockets.add(socket);
        resolve();
      });
    });
    await new Promise((resolve) => setImmediate(resolve));
    for (const socket of sockets) socket.destroy();
    await gone;
    await until(() => released.length === 1);
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(released).toEqual(['aborted']);
  });

  describe('differences, as docs/moving-from-nest.md lists them', () => {
    it.each(Object.entries(DIFFERENT))('%s', async (name, [, theirs, own]) => {
      const [seenOfNest, seenOfOurs] = await both(`/different/${name}`, events);
      expect(seenOfNest.seen).toEqual(theirs);
      expect(seenOfOurs.seen).toEqual(own);
    });

    it('no automatic ids', async () => {
      const ids = async (stream: TestStream) => (await stream.rest()).map(({ id }) => id);
      expect(await both('/intercepted', ids)).toEqual([
        ['1', '2'],
        [undefined, undefined],
      ]);
    });

    it('POST answers 200', async () => {
      const status = async (stream: TestStream) => (await events(stream)).status;
      expect(await both('/post', status, { method: 'POST' })).toEqual([201, 200]);
    });

    it('the first bytes are a comment', async () => {
      const bytes = async (stream: TestStream) => {
        await stream.end();
        return stream.raw();
      };
      expect(await both('/raised', bytes)).toEqual(['\nid: 1\ndata: a\n\n', ':\ndata: a\n\n']);
    });

    it('the headers', async () => {
      const headers = async (stream: TestStream) => {
        await stream.end();
        const { 'cache-control': cache, pragma, expires, 'x-content-type-options': nosniff } = stream.headers;
        return { cache, pragma, expires, nosniff };
      };
      expect(await both('/raised', headers)).toEqual([
        {
          cache: 'private, no-cache, no-store, must-revalidate, max-age=0, no-transform',
          pragma: 'no-cache',
          expires: '0',
          nosniff: undefined,
        },
        {
          cache: 'no-cache, no-store, no-transform',
          pragma: undefined,
          expires: undefined,
          nosniff: 'nosniff',
        },
      ]);
    });

    it('HEAD runs no handler', async () => {
      const statuses = await both('/head', async (stream) => stream.status, { method: 'HEAD' });
      expect(statuses).toEqual([200, 200]);
      expect(released).toEqual(['ran']);
    });

    it('an Accept that excludes event streams gets the stream, as with Nest', async () => {
      const status = async (stream: TestStream) => {
        await stream.end();
        return stream.status;
      };
      expect(await both('/raised', status, { headers: { accept: 'application/json' } })).toEqual([200, 200]);
    });

    it('an EventSource learns that a stream has ended', async () => {
      const bytes = async (stream: TestStream) => {
        await stream.end();
        return stream.raw();
      };
      const [, own] = await both('/raised', bytes, { headers: { 'cache-control': 'no-cache' } });
      expect(own).toBe(':\ndata: a\n\nevent: ~end\nid: ~end\ndata: \n\n');
    });
  });
});
