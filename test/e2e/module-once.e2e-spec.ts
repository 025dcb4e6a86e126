import { setTimeout as delay } from 'node:timers/promises';
import {
  Controller,
  Injectable,
  Module,
  type DynamicModule,
  type OnModuleDestroy,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Channels, Sse, SseModule, SseSignal } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

@Module({ imports: [SseModule.forRoot()] })
class ChatModule {}
@Module({ imports: [ChatModule] })
class NewsModule {}
@Module({ imports: [SseModule.forRoot({ heartbeat: 1000 }), NewsModule] })
class TwiceModule {}
@Module({ imports: [SseModule.forRoot(), SseModule.forRootAsync({ useFactory: () => ({}) })] })
class TwiceInOneModule {}
@Module({})
class PluginModule {
  static register(): DynamicModule {
    return { module: PluginModule, imports: [SseModule.forRoot()] };
  }
}
@Module({ imports: [SseModule.forRoot(), PluginModule.register()] })
class TwiceByPluginModule {}

const shared = SseModule.forRoot();
@Module({ imports: [shared] })
class FeatureModule {}
@Module({ imports: [shared, FeatureModule] })
class SharedModule {}

eachAdapter((adapter) => {
  afterEach(closeApps);

  const create = (module: Type) =>
    NestFactory.create(
      module,
      adapter === 'express' ? new ExpressAdapter() : (new FastifyAdapter() as never),
      {
        logger: false,
        abortOnError: false,
      },
    );

  describe('SseModule.forRoot()', () => {
    it.each<[Type, string[]]>([
      [TwiceModule, ['TwiceModule', 'ChatModule']],
      [TwiceInOneModule, ['TwiceInOneModule', 'TwiceInOneModule']],
      [TwiceByPluginModule, ['TwiceByPluginModule', 'PluginModule']],
    ])('is rejected at start-up if %p imports it twice, with both places', async (module, places) => {
      const app = await create(module);
      await expect(app.init()).rejects.toMatchObject({
        code: 'SSE_MODULE_DUPLICATE',
        message:
          `SseModule.forRoot() is imported 2 times: in ${places.join(' and in ')}. ` +
          'Keep the import in the root module and remove the others. The module is global.',
        context: { places: expect.arrayContaining(places) as unknown },
      });
      await app.close();
    });

    it('can be one object that several modules import, and one in each of two applications', async () => {
      const one = await create(SharedModule);
      const two = await create(SharedModule);
      await one.init();
      await two.init();
      expect(one.get(Channels)).not.toBe(two.get(Channels));
      await one.close();
      await two.close();
    });
  });

  describe('app.close()', () => {
    let steps: string[] = [];

    @Injectable()
    class Database implements OnModuleDestroy {
      onModuleDestroy(): void {
        steps.push('database closed');
      }
    }
    @Module({ providers: [Database], exports: [Database] })
    class DatabaseModule {}

    @Controller()
    class StreamController implements OnModuleDestroy {
      onModuleDestroy(): void {
        steps.push('controller destroyed');
      }
      @Sse('stream')
      async *stream(@SseSignal() signal: AbortSignal) {
        try {
          yield 1;
          await delay(60_000, undefined, { signal });
        } finally {
          await delay(20);
          steps.push('stream ended');
          yield 'last';
        }
      }
    }

    it('ends streams before any onModuleDestroy() of the application', async () => {
      steps = [];
      const app = await makeApp(adapter, { imports: [DatabaseModule], controllers: [StreamController] });
      const stream = await openStream(app, '/stream');
      await stream.next();
      const rest = stream.rest();
      await app.close();
      expect(steps[0]).toBe('stream ended');
      expect([...steps].sort()).toEqual(['controller destroyed', 'database closed', 'stream ended']);
      expect((await rest).map(({ data }) => data)).toEqual(['last']);
    });
  });
});
