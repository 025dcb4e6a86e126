import { Controller, Res } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { EMPTY, NEVER, of } from 'rxjs';
import { Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

/** What is used of a framework's response here. */
interface AnyResponse {
  status(code: number): { send(body?: unknown): unknown };
}

let released = 0;

@Controller()
class OwnResponseController {
  @Sse('nothing')
  nothing(@Res() response: AnyResponse) {
    response.status(204).send();
  }
  @Sse('body')
  async body(@Res() response: AnyResponse) {
    await new Promise((resolve) => setImmediate(resolve));
    response.status(202).send({ queued: true });
  }
  @Sse('empty')
  empty(@Res() response: AnyResponse) {
    response.status(204).send();
    return EMPTY;
  }
  @Sse('values')
  values(@Res() response: AnyResponse) {
    response.status(204).send();
    return of('a', 'b');
  }
  @Sse('open')
  open(@Res() response: AnyResponse) {
    response.status(204).send();
    return NEVER;
  }
  @Sse('generator')
  async *generator(@Res() response: AnyResponse) {
    try {
      response.status(410).send({ gone: true });
      yield 'a';
      yield 'b';
    } finally {
      released++;
    }
  }
  @Sse('throws')
  throws(@Res() response: AnyResponse): string[] {
    response.status(410).send({ gone: true });
    throw new Error('after the answer');
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    const logger = new RecordingLogger();
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown): void => void uncaught.push(error);
    beforeAll(async () => {
      app = await makeApp(adapter, { controllers: [OwnResponseController], logger, setUp });
      process.on('unhandledRejection', onUncaught).on('uncaughtException', onUncaught);
    });
    beforeEach(() => {
      released = logger.errors.length = logger.warnings.length = 0;
    });
    afterEach(async () => {
      await until(() => app.get(SseConnections).count() === 0, 'no connection');
    });
    afterAll(async () => {
      process.off('unhandledRejection', onUncaught).off('uncaughtException', onUncaught);
      await closeApps();
      expect(uncaught).toEqual([]);
    });

    it.each([
      ['/nothing', 204, ''],
      ['/body', 202, '{"queued":true}'],
      ['/empty', 204, ''],
      ['/values', 204, ''],
      ['/open', 204, ''],
      ['/generator', 410, '{"gone":true}'],
    ])('a handler that has answered by itself (%s) has the last word', async (path, status, body) => {
      const answer = await openStream(app, path);
      await answer.end();
      expect([answer.status, answer.raw()]).toEqual([status, body]);
      expect([logger.errors, logger.warnings]).toEqual([[], []]);
      if (path === '/generator') await until(() => released === 1, 'the release');
    });

    it('what it throws after its answer is in the log, and harms nobody', async () => {
      const answer = await openStream(app, '/throws');
      await answer.end();
      expect([answer.status, answer.raw()]).toEqual([410, '{"gone":true}']);
      expect(logger.errors.join()).toContain('after the answer');
    });
  }),
);
