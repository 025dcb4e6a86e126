import { Controller, Get, Inject, Injectable, Module, Redirect, Render } from '@nestjs/common';
import type { INestApplication, Type } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { NEVER } from 'rxjs';
import {
  Channels,
  isSseError,
  Sse,
  SseConnection,
  SseConnections,
  SseDefaults,
  SseModule,
  type SseModuleOptions,
  type SseOptions,
  type SseOptionsFactory,
} from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

@Controller('plain')
class PlainController {
  @Sse('stream')
  *stream() {
    yield { a: 1 };
  }
  @Sse('failing')
  async *failing() {
    yield 'a';
    throw new Error('b');
  }
  @Sse('named', { errors: { event: 'of-the-route' } })
  async *named() {
    yield 'a';
    throw new Error('b');
  }
  @Sse('open')
  open(@SseConnection() _connection: SseConnection) {
    return NEVER;
  }
  @Get('json')
  json() {
    return { ok: true };
  }
}

@SseDefaults({ errors: { event: 'of-the-controller' }, serialize: () => 'controller' })
@Controller('defaults')
class DefaultsController {
  @Sse('stream')
  *stream() {
    yield { a: 1 };
  }
  @Sse('route', { serialize: () => 'route' })
  *route() {
    yield { a: 1 };
  }
  @Sse('failing')
  async *failing() {
    yield 'a';
    throw new Error('b');
  }
  @Sse('named', { errors: { event: 'of-the-route' } })
  async *named() {
    yield 'a';
    throw new Error('b');
  }
}

@Injectable()
class Settings {
  readonly name = 'of-the-factory';
}
@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Injectable()
class Watcher {
  constructor(@Inject(SseConnections) readonly connections: SseConnections) {}
}
@Module({ providers: [Watcher], exports: [Watcher] })
class FeatureModule {}

eachAdapter((adapter) => {
  afterEach(closeApps);

  const body = async (app: INestApplication, path: string): Promise<string> => {
    const stream = await openStream(app, path);
    await stream.end();
    return stream.raw();
  };
  const errorType = async (app: INestApplication, path: string): Promise<string | undefined> =>
    /^event: (.*)$/m.exec(await body(app, path))?.[1];
  const controllers = [PlainController, DefaultsController];

  it('needs no options', async () => {
    const app = await makeApp(adapter, { controllers: [PlainController] });
    expect(await body(app, '/plain/stream')).toBe(':\ndata: {"a":1}\n\n');
    const answer = await openStream(app, '/plain/json');
    expect(await answer.json()).toEqual({ ok: true });
  });

  it('sets defaults for all routes; a controller overrides them, and a route overrides both', async () => {
    const app = await makeApp(adapter, {
      controllers,
      sse: { errors: { event: 'of-the-module' }, serialize: () => 'module' },
    });
    expect(await errorType(app, '/plain/failing')).toBe('of-the-module');
    expect(await errorType(app, '/plain/named')).toBe('of-the-route');
    expect(await errorType(app, '/defaults/failing')).toBe('of-the-controller');
    expect(await errorType(app, '/defaults/named')).toBe('of-the-route');
    expect(await body(app, '/plain/stream')).toBe(':\ndata: module\n\n');
    expect(await body(app, '/defaults/stream')).toBe(':\ndata: controller\n\n');
    expect(await body(app, '/defaults/route')).toBe(':\ndata: route\n\n');
  });

  /** An application made like one in main(). */
  const bootstrap = async (imports: object[], options: { controllers?: Type[]; logger?: object } = {}) => {
    const module = await Test.createTestingModule({
      imports: imports as never,
      controllers: options.controllers ?? controllers,
    }).compile();
    const platform = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
    const app = module.createNestApplication<INestApplication>(platform as never, {
      logger: (options.logger ?? false) as false,
    });
    await app.init();
    if (adapter === 'fastify')
      await (app.getHttpAdapter().getInstance() as { ready(): Promise<void> }).ready();
    return app;
  };

  it.each([
    ['at once', (name: string): SseOptions => ({ errors: { event: name } })],
    ['later', async (name: string): Promise<SseOptions> => ({ errors: { event: name } })],
  ])('accepts options from a factory that makes %s of its injected values', async (_when, make) => {
    const sse = SseModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: (settings: Settings) => make(settings.name),
    });
    const app = await bootstrap([sse]);
    expect(await errorType(app, '/plain/failing')).toBe('of-the-factory');
    await app.close();
  });

  it('accepts a factory that injects nothing', async () => {
    const app = await bootstrap([SseModule.forRootAsync({ useFactory: () => ({ errors: { event: 'x' } }) })]);
    expect(await errorType(app, '/plain/failing')).toBe('x');
    await app.close();
  });

  describe('options from a class', () => {
    @Injectable()
    class OptionsService implements SseOptionsFactory {
      constructor(@Inject(Settings) private readonly settings: Settings) {}
      async createSseOptions(): Promise<SseModuleOptions> {
        return { errors: { event: this.settings.name } };
      }
    }
    @Module({ imports: [SettingsModule], providers: [OptionsService], exports: [OptionsService] })
    class OptionsModule {}

    it.each([
      ['of its own', { imports: [SettingsModule], useClass: OptionsService }],
      ['that is there', { imports: [OptionsModule], useExisting: OptionsService }],
    ])('%s', async (_which, options) => {
      const app = await bootstrap([SseModule.forRootAsync(options)]);
      expect(await errorType(app, '/plain/failing')).toBe('of-the-factory');
      await app.close();
    });

    it('and rejects a class that is not a factory', async () => {
      const sse = SseModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings as never });
      await expect(bootstrap([sse])).rejects.toThrow(
        'SseModule.forRootAsync(): an instance of Settings cannot make options. Give it a method createSseOptions()',
      );
    });
  });

  it.each([
    [
      'nothing',
      {},
      '0 of the ways to make the options are given. Give one of "useFactory", "useClass" and "useExisting".',
    ],
    [
      'two ways',
      { useFactory: () => ({}), useClass: Object },
      '2 of the ways to make the options are given.',
    ],
    [
      'a misspelt one',
      { useFactroy: () => ({}) },
      'Unknown option "useFactroy": function useFactroy. Did you mean "useFactory"?',
    ],
    [
      'options',
      { useFactory: {} },
      'Invalid option "useFactory": {}. Use a function that makes the options.',
    ],
    ['null', null, 'Invalid options: null.'],
  ])('forRootAsync() rejects %s', (_what, options, message) => {
    expect(() => SseModule.forRootAsync(options as object)).toThrow(`SseModule.forRootAsync(): ${message}`);
  });

  it('a module imported without forRoot() is an error that says so, in the root module and beside it', async () => {
    @Module({ imports: [SseModule] })
    class BareModule {}
    @Controller()
    class PublishingController {
      constructor(@Inject(Channels) readonly channels: Channels) {}
    }
    const message =
      'SseModule was imported without its options. Write SseModule.forRoot() in the imports of the root module';
    await expect(bootstrap([SseModule])).rejects.toThrow(message);
    await expect(bootstrap([BareModule, SseModule.forRoot()])).rejects.toThrow(message);
    await expect(bootstrap([SseModule], { controllers: [PublishingController] })).rejects.toThrow(message);
  });

  describe('refuses to start', () => {
    @Controller()
    class ContradictingController {
      @Sse('contradicting', { heartbeat: 60_000 })
      *contradicting() {
        yield 'a';
      }
    }

    it.each([
      ['options out of range', { openAfterMs: -1 }, 'SseModule: Invalid option "openAfterMs": -1'],
      [
        'options of the module that contradict each other',
        { heartbeat: 50_000, stallMs: 20_000 },
        'SseModule: Invalid option "stallMs": 20000. It is shorter than the heartbeat, 50000',
      ],
      ['an unknown option', { heartBeat: 5 } as object, 'SseModule: Unknown option "heartBeat": 5.'],
      ['what is no log', { log: {} as never }, 'SseModule: Invalid option "log": {}.'],
      ['what are no options', null as never, 'SseModule: Invalid options: null.'],
      [
        'a shutdown without end',
        { shutdownMs: Infinity },
        'SseModule: Invalid option "shutdownMs": Infinity',
      ],
    ])('with %s', async (_what, options, message) => {
      for (const sse of [SseModule.forRoot(options), SseModule.forRootAsync({ useFactory: () => options })]) {
        const error: unknown = await bootstrap([sse]).catch((thrown: unknown) => thrown);
        expect(isSseError(error, 'SSE_INVALID_OPTIONS')).toBe(true);
        expect((error as Error).message).toContain(message);
      }
    });

    it('with a factory that gives nothing', async () => {
      const sse = SseModule.forRootAsync({ useFactory: () => undefined as never });
      await expect(bootstrap([sse])).rejects.toThrow('SseModule: Invalid options: undefined.');
    });

    it('with an unknown option of a controller or a route', async () => {
      @SseDefaults({ hartbeat: 5 } as object)
      @Controller()
      class MisspeltController {
        @Sse('a')
        *a() {}
      }
      @Controller()
      class MisspeltRouteController {
        @Sse('b', { ids: 'seq' as never })
        *b() {}
      }
      const starts = (controller: Type) => bootstrap([SseModule.forRoot()], { controllers: [controller] });
      await expect(starts(MisspeltController)).rejects.toThrow(
        '@SseDefaults() of MisspeltController: Unknown option "hartbeat": 5. Did you mean "heartbeat"?',
      );
      await expect(starts(MisspeltRouteController)).rejects.toThrow(
        'MisspeltRouteController.b: Invalid option "ids": "seq".',
      );
    });

    it('with another decorator that answers for a route', async () => {
      @Controller()
      class RedirectController {
        @Sse('a')
        @Redirect('/elsewhere')
        *a() {}
      }
      @Controller()
      class RenderController {
        @Render('page')
        @Sse('b')
        *b() {}
      }
      const starts = (controller: Type) => bootstrap([SseModule.forRoot()], { controllers: [controller] });
      await expect(starts(RedirectController)).rejects.toThrow(
        'RedirectController.a has both @Sse() and @Redirect().',
      );
      await expect(starts(RenderController)).rejects.toThrow(
        'RenderController.b has both @Sse() and @Render().',
      );
    });

    it('with null for the options of a route, or its path after them, when its class is made', () => {
      const make = (decorate: () => MethodDecorator) => () => {
        class Broken {
          @decorate()
          c() {}
        }
        return Broken;
      };
      for (const decorate of [() => Sse(null as never), () => Sse('c', null as never)]) {
        expect(make(decorate)).toThrow('Broken.c: Invalid options: null.');
      }
      expect(make(() => (Sse as Function)({ heartbeat: 5 }, 'c') as MethodDecorator)).toThrow(
        'Broken.c: @Sse() was given "c" after its options. The path comes first: @Sse(path, options).',
      );
    });

    it('with a route that contradicts the module, and names the route', async () => {
      const starts = bootstrap([SseModule.forRoot({ stallMs: 20_000 })], {
        controllers: [ContradictingController],
      });
      await expect(starts).rejects.toThrow(
        'ContradictingController.contradicting: Invalid option "stallMs": 20000. It is shorter than the heartbeat, 60000',
      );
    });
  });

  it('a missing import is reported by the first request to a route', async () => {
    const logger = new RecordingLogger();
    const app = await bootstrap([], { logger, controllers: [PlainController] });
    for (const path of ['/plain/stream', '/plain/open']) {
      logger.errors.length = 0;
      const answer = await openStream(app, path);
      expect(answer.status).toBe(500);
      expect(await answer.json()).toEqual({ statusCode: 500, message: 'Internal server error' });
      expect(logger.errors).toHaveLength(1);
      expect(logger.errors[0]).toMatch(
        /PlainController\.(stream|open) is an @Sse\(\) route, but SseModule was not imported\. Add SseModule\.forRoot\(\)/,
      );
    }
    expect(await (await openStream(app, '/plain/json')).json()).toEqual({ ok: true });
    await app.close();
  });

  it('gives every module of the application the same connections', async () => {
    const app = await makeApp(adapter, { controllers, imports: [FeatureModule] });
    const { connections } = app.get(Watcher, { strict: false });
    expect(connections).toBe(app.get(SseConnections));
    const stream = await openStream(app, '/plain/open');
    expect(connections.count()).toBe(1);
    expect(connections.list()[0]?.route).toBe('GET /plain/open');
    await stream.close();
    await until(() => connections.count() === 0);
  });

  it('keeps two applications in one process apart', async () => {
    const [one, two] = [
      await makeApp(adapter, { controllers, sse: { errors: { event: 'one' } } }),
      await makeApp(adapter, { controllers, sse: { errors: { event: 'two' } } }),
    ];
    expect(await errorType(one, '/plain/failing')).toBe('one');
    expect(await errorType(two, '/plain/failing')).toBe('two');
    const stream = await openStream(one, '/plain/open');
    expect(one.get(SseConnections).count()).toBe(1);
    expect(two.get(SseConnections).count()).toBe(0);
    await two.close();
    expect(one.get(SseConnections).list()).toHaveLength(1);
    await stream.close();
    await until(() => one.get(SseConnections).count() === 0);
  });
});
