import fastifyCompress from '@fastify/compress';
import fastifyCookie from '@fastify/cookie';
import { Controller, Next, Res, type INestApplication, type Type } from '@nestjs/common';
import { concatMap, delay, from, of, type Observable } from 'rxjs';
import { Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp, until, type AdapterName } from './adapters.js';

/** The part of a framework's response that is used here. */
interface AnyResponse {
  header(name: string, value: string): unknown;
}

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** Streams of three values. Each value comes in a later turn than the one before. */
async function* values(): AsyncGenerator<string> {
  yield 'a';
  await later();
  yield 'b';
  await later();
  yield 'c';
}
const observable = (): Observable<string> =>
  from(['a', 'b', 'c']).pipe(concatMap((value) => of(value).pipe(delay(1))));

/** Results of a handler, by name. */
const RESULTS: Record<string, () => unknown> = {
  generator: values,
  observable,
  'promise-of-generator': () => later().then(values),
  'promise-of-observable': () => later().then(observable),
  plain: () => ({ plain: true }),
  'promise-of-plain': () => later().then(() => ({ plain: true })),
};

/** The parameter decorators of a handler, by name. The response comes first, where the handler takes it. */
const PARAMETERS: Record<string, ParameterDecorator[]> = {
  none: [],
  res: [Res()],
  passthrough: [Res({ passthrough: true })],
  next: [Next()],
  'res-and-next': [Res(), Next()],
  'passthrough-and-next': [Res({ passthrough: true }), Next()],
};

type Proto = Record<string, (...args: unknown[]) => unknown>;

/** Adds a handler for each combination to a class, as decorators would. */
function addHandlers(controller: Type, overriding: boolean): void {
  const prototype = controller.prototype as Proto;
  for (const [parameters, decorators] of Object.entries(PARAMETERS)) {
    for (const [result, make] of Object.entries(RESULTS)) {
      const name = `${parameters}/${result}`;
      prototype[name] = function (response) {
        if (/^(res|passthrough)/.test(parameters)) (response as AnyResponse).header('x-handler', 'yes');
        return make();
      };
      // An overriding method inherits the parameters of the method that it overrides.
      if (!overriding) for (const [i, decorator] of decorators.entries()) decorator(prototype, name, i);
      const descriptor = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
      Sse(name)(prototype, name, descriptor);
      Object.defineProperty(prototype, name, descriptor);
    }
  }
}

@Controller('own')
class Own {}
addHandlers(Own, false);

@Controller('inherits')
class Inherits extends Own {}

@Controller('overrides')
class Overrides extends Own {}
addHandlers(Overrides, true);

const CASES = ['own', 'inherits', 'overrides'].flatMap((controller) =>
  Object.keys(PARAMETERS).map((parameters) => [controller, parameters] as const),
);

type SetUp = (app: INestApplication) => void | Promise<void>;
type Registering = { register(plugin: unknown, options?: object): Promise<unknown> };
type Hooking = {
  getHttpAdapter(): { getInstance(): { addHook(name: string, hook: () => Promise<void>): void } };
};

const SURROUNDINGS: Record<AdapterName, Record<string, SetUp>> = {
  express: { plain: () => undefined },
  fastify: {
    plain: () => undefined,
    '@fastify/cookie': async (app) => void (await (app as never as Registering).register(fastifyCookie)),
    '@fastify/compress': async (app) =>
      void (await (app as never as Registering).register(fastifyCompress, { global: true, threshold: 0 })),
    'a slow onSend hook': (app) =>
      (app as never as Hooking).getHttpAdapter().getInstance().addHook('onSend', later),
  },
};

const INTERCEPTED: Record<string, SetUp> = {
  'without interceptors': () => undefined,
  'past an interceptor': (app) =>
    void app.useGlobalInterceptors({ intercept: (_context, next) => next.handle() }),
  'past an asynchronous interceptor': (app) =>
    void app.useGlobalInterceptors({ intercept: (_context, next) => later().then(() => next.handle()) }),
};

eachAdapter((adapter) => {
  describe.each(Object.entries(SURROUNDINGS[adapter]))('beside %s', (_surroundings, surround) => {
    describe.each(Object.entries(INTERCEPTED))('%s', (_intercepted, intercept) => {
      const logger = new RecordingLogger();
      let app: INestApplication;
      beforeAll(async () => {
        app = await makeApp(adapter, {
          controllers: [Own, Inherits, Overrides],
          logger,
          setUp: async (made) => {
            await surround(made);
            await intercept(made);
          },
        });
      });
      beforeEach(() => {
        logger.errors.length = logger.warnings.length = 0;
      });
      afterAll(closeApps);

      it.each(CASES)('%s: %s', async (controller, parameters) => {
        for (const result of Object.keys(RESULTS)) {
          const answer = await openStream(app, `/${controller}/${parameters}/${result}`);
          expect([result, await answer.end()]).toEqual([result, 'ended']);
          const plain = result.includes('plain');
          const body = plain ? '{"plain":true}' : ':\ndata: a\n\ndata: b\n\ndata: c\n\n';
          expect([result, answer.raw()]).toEqual([result, body]);
          expect(answer.status).toBe(200);
          expect(answer.headers['x-handler']).toBe(/^(res|passthrough)/.test(parameters) ? 'yes' : undefined);
        }
        await until(() => app.get(SseConnections).count() === 0);
        expect([logger.errors, logger.warnings]).toEqual([[], []]);
      });
    });
  });
});
