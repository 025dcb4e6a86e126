import { Controller, Get, Next, Res, type INestApplication } from '@nestjs/common';
import { EMPTY, NEVER, of } from 'rxjs';
import { Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

/** The part of a framework's response that is used here. */
interface AnyResponse {
  status(code: number): { send(body?: unknown): unknown };
  send(body?: unknown): unknown;
}

let released = 0;

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

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
  @Sse('returned')
  returned(@Res() response: AnyResponse) {
    return response.status(202).send({ queued: true });
  }
  @Sse('returned-later')
  async returnedLater(@Res() response: AnyResponse) {
    await later();
    return response.status(202).send({ queued: true });
  }
  @Sse('returned-first')
  returnedFirst(@Res({ passthrough: true }) response: AnyResponse) {
    void later().then(() => response.status(202).send({ queued: true }));
    return response;
  }
  @Sse('after-its-return')
  afterItsReturn(@Res() response: AnyResponse) {
    void later().then(() => response.status(202).send({ queued: true }));
  }
  @Sse('after-its-promise')
  async afterItsPromise(@Res() response: AnyResponse) {
    await later();
    void later().then(() => response.status(202).send({ queued: true }));
  }
  @Sse('throws')
  throws(@Res() response: AnyResponse): string[] {
    response.status(410).send({ gone: true });
    throw new Error('after the answer');
  }
}

/** Handlers of Express that pass the request to the next route of the same path. */
@Controller()
class NextController {
  @Sse('next/stream')
  first(@Next() next: () => void) {
    next();
  }
  @Sse('next/stream')
  async *second() {
    yield 'a';
    await later();
    yield 'b';
  }
  @Sse('next/answer')
  async later(@Next() next: () => void) {
    await later();
    next();
  }
  @Get('next/answer')
  async answer() {
    await later();
    return { answered: true };
  }
  @Sse('next/nobody')
  nobody(@Next() next: () => void) {
    next();
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    const logger = new RecordingLogger();
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown): void => void uncaught.push(error);
    beforeAll(async () => {
      // Fastify has one route for a path.
      const controllers = [OwnResponseController, ...(adapter === 'express' ? [NextController] : [])];
      app = await makeApp(adapter, { controllers, logger, setUp });
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
      ['/returned', 202, '{"queued":true}'],
      ['/returned-later', 202, '{"queued":true}'],
      ['/returned-first', 202, '{"queued":true}'],
      ['/after-its-return', 202, '{"queued":true}'],
      ['/after-its-promise', 202, '{"queued":true}'],
    ])('a handler that has answered itself (%s) has the last word', async (path, status, body) => {
      const answer = await openStream(app, path);
      await answer.end();
      expect([answer.status, answer.raw()]).toEqual([status, body]);
      expect([logger.errors, logger.warnings]).toEqual([[], []]);
      if (path === '/generator') await until(() => released === 1, 'the release');
    });

    if (adapter === 'express') {
      it.each([
        ['/next/stream', 200, ':\ndata: a\n\ndata: b\n\n'],
        ['/next/answer', 200, '{"answered":true}'],
        ['/next/nobody', 404, '{"statusCode":404,"error":"Not Found","message":"Cannot GET /next/nobody"}'],
      ])(
        'a handler that calls next() leaves the answer to the next route (%s)',
        async (path, status, body) => {
          const answer = await openStream(app, path);
          expect(await answer.end()).toBe('ended');
          expect(answer.status).toBe(status);
          if (status === 404) expect(JSON.parse(answer.raw())).toEqual(JSON.parse(body));
          else expect(answer.raw()).toBe(body);
          expect([logger.errors, logger.warnings]).toEqual([[], []]);
        },
      );
    }

    it('an error that it throws after its answer is logged, and does no harm', async () => {
      const answer = await openStream(app, '/throws');
      await answer.end();
      expect([answer.status, answer.raw()]).toEqual([410, '{"gone":true}']);
      expect(logger.errors.join()).toContain('after the answer');
    });
  }),
);
