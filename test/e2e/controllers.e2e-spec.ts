import {
  Body,
  Controller,
  createParamDecorator,
  DefaultValuePipe,
  Headers,
  Inject,
  Injectable,
  Ip,
  Param,
  ParseIntPipe,
  Query,
  Req,
  RequestMethod,
  Res,
  Scope,
  SetMetadata,
  UseGuards,
  Version,
  VersioningType,
} from '@nestjs/common';
import type { CanActivate, ExecutionContext, INestApplication } from '@nestjs/common';
import { REQUEST, Reflector } from '@nestjs/core';
import { AsyncLocalStorage } from 'node:async_hooks';
import { interval, map, take } from 'rxjs';
import { LastEventId, Sse, SseConnection, SseDefaults, SseSignal } from 'nestjs-event-stream';
import { openStream, type OpenStreamInit } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, eachWay, makeApp } from './adapters.js';

const storage = new AsyncLocalStorage<string>();
let instances = 0;

const User = createParamDecorator(
  (field: string, context: ExecutionContext) =>
    `${field} ${context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-user']}`,
);

@Injectable()
class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}
  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.get<string | undefined>('role', context.getHandler());
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    return role === undefined || headers['x-role'] === role;
  }
}
const Role = (role: string): MethodDecorator => SetMetadata('role', role);

@Controller('parameters')
class ParametersController {
  private readonly prefix = 'of the instance';

  @Sse('all/:id', { method: RequestMethod.POST })
  *all(
    @Param('id', ParseIntPipe) id: number,
    @Query('n', new DefaultValuePipe(5), ParseIntPipe) n: number,
    @Body() body: unknown,
    @Body('a') a: unknown,
    @Headers('x-user') user: string,
    @User('name') name: string,
    @Ip() ip: string,
    @LastEventId() lastEventId: string | undefined,
  ) {
    yield { id, n, body, a, user, name, ip, lastEventId };
    yield this.prefix;
  }

  @Sse('none')
  *none() {
    yield arguments.length;
  }
  @Sse('default/:id')
  *default(@Param('id') id: string, extra = 'default') {
    yield { id, extra };
  }
  @Sse('raw')
  async *raw(@Req() request: { url: string }, @Res() response: { getHeader?: unknown; header: unknown }) {
    await new Promise(setImmediate);
    yield { url: request.url, response: typeof response.header };
  }
  @Sse('connection')
  *connection(@SseConnection() connection: SseConnection, @SseSignal() signal: AbortSignal) {
    const { id, route, ip, lastEventId, events, bytes, queuedBytes } = connection;
    yield { id: typeof id, route, ip, lastEventId, events, bytes, queuedBytes };
    yield { same: connection.signal === signal, opened: connection.openedAt instanceof Date };
    connection.close();
    yield 'never';
  }
}

@Controller('decorated')
class DecoratedController {
  @UseGuards(RolesGuard)
  @Role('admin')
  @Sse('above')
  *above() {
    yield 'a';
  }
  @Sse('below')
  @UseGuards(RolesGuard)
  @Role('admin')
  *below() {
    yield 'a';
  }
  @Role('admin')
  @Sse('around')
  @UseGuards(RolesGuard)
  *around() {
    yield 'a';
  }
  @Sse(['one', 'two'])
  *several() {
    yield 'a';
  }
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  private readonly number = ++instances;
  constructor(@Inject(REQUEST) private readonly request: { headers: Record<string, string> }) {}
  @Sse()
  async *scoped() {
    yield { number: this.number, user: this.request.headers['x-user'] };
  }
}

abstract class BaseController {
  protected abstract readonly name: string;
  @Sse('inherited/:id')
  async *inherited(@Param('id') id: string) {
    yield `${this.name} ${id}`;
    throw new Error('as the controller calls it');
  }
  @Sse('overridden')
  *overridden(): Iterable<string> {
    yield 'of the base';
  }
}
@SseDefaults({ errors: { event: 'of-one' } })
@Controller('one')
class OneController extends BaseController {
  protected readonly name = 'one';
  @Sse('overridden')
  override *overridden(@Query('q') q = 'none') {
    yield `of one ${q}`;
  }
}
@SseDefaults({ errors: { event: 'of-two' } })
@Controller('two')
class TwoController extends BaseController {
  protected readonly name = 'two';
}

@Controller({ path: 'versioned', version: '1' })
class VersionedController {
  @Sse()
  *first() {
    yield 'v1';
  }
  @Version('2')
  @Sse()
  *second() {
    yield 'v2';
  }
}

@Controller('context')
class ContextController {
  @Sse('generator')
  async *generator() {
    for (let i = 0; i < 300; i++) {
      if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      yield storage.getStore() ?? 'lost';
    }
  }
  @Sse('observable')
  observable() {
    return interval(1).pipe(
      take(3),
      map(() => storage.getStore() ?? 'lost'),
    );
  }
}

const controllers = [
  ParametersController,
  DecoratedController,
  ScopedController,
  OneController,
  TwoController,
  VersionedController,
  ContextController,
];

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    beforeAll(async () => {
      app = await makeApp(adapter, {
        controllers,
        providers: [RolesGuard],
        setUp: (made) => {
          setUp(made);
          made.setGlobalPrefix('api');
          made.enableVersioning({ type: VersioningType.URI, defaultVersion: undefined as never });
          made.use((_request: unknown, _response: unknown, next: () => void) =>
            storage.run('of the request', next),
          );
        },
      });
    });
    afterAll(closeApps);

    const data = async (path: string, init: OpenStreamInit = {}): Promise<string[]> => {
      const stream = await openStream(app, `/api${path}`, {
        ...init,
        headers: { 'x-user': 'ada', ...init.headers },
      });
      expect(stream.status).toBe(200);
      await stream.end();
      return [...stream.raw().matchAll(/^data: (.*)$/gm)].map(([, text]) => text as string);
    };
    const json = async (path: string, init: OpenStreamInit = {}): Promise<unknown> =>
      JSON.parse((await data(path, init))[0] as string) as unknown;

    describe('a handler gets', () => {
      it('the value of every parameter decorator of Nest, and runs on its instance', async () => {
        const [first, second] = await data('/parameters/all/7', { body: { a: 1 }, lastEventId: 'e4' });
        expect(JSON.parse(first as string)).toEqual({
          id: 7,
          n: 5,
          body: { a: 1 },
          a: 1,
          user: 'ada',
          name: 'name ada',
          ip: expect.stringContaining('127.0.0.1') as string,
          lastEventId: 'e4',
        });
        expect(second).toBe('of the instance');
      });

      it('no argument without a decorator', async () => {
        expect(await json('/parameters/none')).toBe(0);
        expect(await json('/parameters/default/7')).toEqual({ id: '7', extra: 'default' });
      });

      it('the request and the response, if it asks for them', async () => {
        expect(await json('/parameters/raw')).toEqual({ url: '/api/parameters/raw', response: 'function' });
      });

      it('its connection, which it can close', async () => {
        const [first, second, third] = await data('/parameters/connection', { lastEventId: 'e4' });
        expect(JSON.parse(first as string)).toEqual({
          id: 'string',
          route: 'GET /api/parameters/connection',
          ip: expect.stringContaining('127.0.0.1') as string,
          lastEventId: 'e4',
          events: 0,
          bytes: 0,
          queuedBytes: 0,
        });
        expect(JSON.parse(second as string)).toEqual({ same: true, opened: true });
        expect(third).toBeUndefined();
      });
    });

    it.each(['above', 'below', 'around'])('decorators apply %s @Sse()', async (where) => {
      expect((await openStream(app, `/api/decorated/${where}`)).status).toBe(403);
      expect(await data(`/decorated/${where}`, { headers: { 'x-role': 'admin' } })).toEqual(['a']);
    });

    it('a route may have several paths', async () => {
      expect(await data('/decorated/one')).toEqual(['a']);
      expect(await data('/decorated/two')).toEqual(['a']);
    });

    it('a controller can be request-scoped', async () => {
      const [one, two] = [await json('/scoped'), await json('/scoped')] as { number: number; user: string }[];
      expect(one?.user).toBe('ada');
      expect(two?.number).not.toBe(one?.number);
    });

    it('routes are inherited, each controller with its own options', async () => {
      const raw = async (path: string): Promise<string> => {
        const stream = await openStream(app, `/api${path}`);
        await stream.end();
        return stream.raw();
      };
      expect(await raw('/one/inherited/7')).toMatch(/^:\ndata: one 7\n\nevent: of-one\n/);
      expect(await raw('/two/inherited/7')).toMatch(/^:\ndata: two 7\n\nevent: of-two\n/);
      expect(await data('/one/overridden?q=x')).toEqual(['of one x']);
      expect(await data('/two/overridden')).toEqual(['of the base']);
    });

    it('versions are kept apart', async () => {
      expect(await data('/../api/v1/versioned')).toEqual(['v1']);
      expect(await data('/v2/versioned')).toEqual(['v2']);
      expect((await openStream(app, '/api/v3/versioned')).status).toBe(404);
    });

    it('the async context of the request in every step', async () => {
      expect(new Set(await data('/context/generator'))).toEqual(new Set(['of the request']));
      expect(await data('/context/observable')).toEqual([
        'of the request',
        'of the request',
        'of the request',
      ]);
    });
  }),
);
