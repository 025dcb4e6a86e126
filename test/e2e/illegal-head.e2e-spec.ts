import { Controller, Res } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import cookie from '@fastify/cookie';
import { NEVER, of } from 'rxjs';
import { Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

/** The part of a framework's response that is used here. */
interface AnyResponse {
  header(name: string, value: string): unknown;
  statusCode: number;
  statusMessage: string;
  raw?: { statusCode: number; statusMessage: string };
}

let released = 0;

@Controller()
class IllegalHeadController {
  @Sse('header-generator')
  async *headerGenerator(@Res({ passthrough: true }) response: AnyResponse) {
    try {
      response.header('X-Bad', 'a\nb');
      yield 'a';
      yield 'b';
    } finally {
      released++;
    }
  }
  @Sse('header-observable')
  headerObservable(@Res({ passthrough: true }) response: AnyResponse) {
    response.header('X-Bad', 'a\u20acb');
    return of('a', 'b');
  }
  @Sse('header-quiet')
  headerQuiet(@Res({ passthrough: true }) response: AnyResponse) {
    response.header('X-Bad', 'a\nb');
    return NEVER;
  }
  @Sse('status')
  async *status(@Res({ passthrough: true }) response: AnyResponse) {
    (response.raw ?? response).statusCode = 1234;
    yield 'a';
  }
  @Sse('message')
  async *message(@Res({ passthrough: true }) response: AnyResponse) {
    (response.raw ?? response).statusMessage = 'a\nb';
    yield 'a';
  }
  @Sse('status-quiet')
  statusQuiet(@Res({ passthrough: true }) response: AnyResponse) {
    (response.raw ?? response).statusCode = 1234;
    return NEVER;
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) =>
    describe.each(['without', 'with'])('%s hooks', (hooks) => {
      let app: INestApplication;
      const logger = new RecordingLogger();
      const uncaught: unknown[] = [];
      const onUncaught = (error: unknown): void => void uncaught.push(error);
      beforeAll(async () => {
        app = await makeApp(adapter, {
          controllers: [IllegalHeadController],
          logger,
          setUp: async (made) => {
            setUp(made);
            if (adapter === 'fastify' && hooks === 'with') {
              await (made as never as { register(plugin: unknown): Promise<void> }).register(cookie);
            }
          },
        });
        process.on('unhandledRejection', onUncaught).on('uncaughtException', onUncaught);
      });
      beforeEach(() => {
        released = logger.errors.length = uncaught.length = 0;
      });
      afterAll(async () => {
        process.off('unhandledRejection', onUncaught).off('uncaughtException', onUncaught);
        await closeApps();
      });

      it.each([
        '/header-generator',
        '/header-observable',
        '/header-quiet',
        '/status',
        '/message',
        '/status-quiet',
      ])('a head that Node rejects is a 500, and the process survives (%s)', async (path) => {
        const answer = await openStream(app, path);
        expect(answer.status).toBe(500);
        await answer.end();
        await until(() => app.get(SseConnections).count() === 0, 'no connection');
        expect(uncaught).toEqual([]);
        expect(logger.errors).toHaveLength(1);
        if (path === '/header-generator') await until(() => released === 1, 'the release');
      });
    }),
  ),
);
