import { setTimeout as delay } from 'node:timers/promises';
import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { Controller, Get, Injectable, Scope, UseInterceptors } from '@nestjs/common';
import type { INestApplication, ModuleMetadata, Type } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { concatMap, delay as later, of } from 'rxjs';
import { Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { ask } from './ask.js';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

let calls = 0;

async function* numbers(): AsyncGenerator<number> {
  const call = ++calls;
  for (let n = 1; n <= 3; n++) {
    await delay(1);
    yield call * 10 + n;
  }
}

@Controller()
class GlobalController {
  @Sse('numbers')
  numbers() {
    return numbers();
  }
  @Sse('observable')
  observable() {
    return of(1, 2, 3).pipe(concatMap((n) => of(n).pipe(later(1))));
  }
  @Get('plain')
  plain() {
    return { call: ++calls };
  }
}

@UseInterceptors(CacheInterceptor)
@Controller()
class CachedController extends GlobalController {
  @Sse('numbers')
  override numbers() {
    return numbers();
  }
}

@Controller()
class CachedRouteController {
  @UseInterceptors(CacheInterceptor)
  @Sse('numbers')
  numbers() {
    return numbers();
  }
}

@Injectable()
class OwnCache extends CacheInterceptor {
  protected override isRequestCacheable(): boolean {
    return true;
  }
}

@Injectable({ scope: Scope.REQUEST })
class CachePerRequest extends CacheInterceptor {}

eachAdapter((adapter) => {
  let logger: RecordingLogger;
  afterEach(closeApps);
  beforeEach(() => {
    calls = 0;
    logger = new RecordingLogger();
  });

  const make = (metadata: ModuleMetadata): Promise<INestApplication> =>
    makeApp(adapter, { imports: [CacheModule.register()], logger, ...metadata });

  /** Returns the responses to two clients that ask one after the other. */
  async function twoClients(app: INestApplication): Promise<string[][]> {
    const received: string[][] = [];
    for (let client = 1; client <= 2; client++) {
      const stream = await openStream(app, '/numbers');
      received.push((await stream.rest()).map(({ data }) => data));
    }
    return received;
  }
  const WHOLE = [
    ['11', '12', '13'],
    ['21', '22', '23'],
  ];

  describe('CacheInterceptor', () => {
    it('is skipped for streams if it is global, and still caches other answers', async () => {
      const app = await make({
        controllers: [GlobalController],
        providers: [{ provide: APP_INTERCEPTOR, useClass: CacheInterceptor }],
      });
      expect(await twoClients(app)).toEqual(WHOLE);
      expect((await ask(app, 'GET', '/plain')).body).toEqual({ call: 3 });
      expect((await ask(app, 'GET', '/plain')).body).toEqual({ call: 3 });
      expect(logger.warnings).toEqual([
        'CacheInterceptor is not used for event streams, which cannot be stored: ' +
          'GlobalController.numbers, GlobalController.observable.',
      ]);
    });

    it.each<[string, Type]>([
      ['its controller', CachedController],
      ['its method', CachedRouteController],
    ])('is skipped for a stream if %s has it', async (_where, controller) => {
      const app = await make({ controllers: [controller] });
      expect(await twoClients(app)).toEqual(WHOLE);
      expect(logger.warnings).toHaveLength(1);
    });

    it('is skipped as an instance, and as a subclass', async () => {
      const app = await make({
        controllers: [GlobalController],
        providers: [{ provide: APP_INTERCEPTOR, useClass: OwnCache }],
      });
      expect(await twoClients(app)).toEqual(WHOLE);
      expect(logger.warnings).toEqual([expect.stringContaining('OwnCache is not used')]);
    });

    it('is rejected at start-up if an instance is made for each request', async () => {
      const started = make({
        controllers: [GlobalController],
        providers: [{ provide: APP_INTERCEPTOR, useClass: CachePerRequest }],
      });
      await expect(started).rejects.toMatchObject({
        code: 'SSE_INVALID_OPTIONS',
        message:
          'GlobalController.numbers has both @Sse() and CachePerRequest, which stores responses. A stream cannot be stored. ' +
          'In CachePerRequest.intercept(), return next.handle() if isSseRoute(context).',
      });
    });
  });
});
