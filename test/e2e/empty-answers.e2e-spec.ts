import { Controller, HttpCode } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { of } from 'rxjs';
import { Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp } from './adapters.js';

@Controller('jobs')
class ForgetfulController {
  // @ts-expect-error: The method returns nothing. Programs in JavaScript have no such check.
  @Sse(':id/forgotten')
  forgotten() {
    of(1, 2, 3);
  }
  // @ts-expect-error: The method returns nothing.
  @Sse('promised')
  async promised() {
    await Promise.resolve();
  }
  @Sse('null')
  nothing() {
    return null;
  }
  @Sse('meant')
  @HttpCode(204)
  meant(): undefined {}
  @Sse('object')
  object() {
    return {};
  }
  @Sse('false')
  false() {
    return false;
  }
  @Sse('empty-stream')
  emptyStream() {
    return of<number[]>();
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    const logger = new RecordingLogger();
    const environment = process.env['NODE_ENV'];
    let app: INestApplication;
    beforeEach(async () => {
      logger.warnings.length = 0;
      app = await makeApp(adapter, { controllers: [ForgetfulController], logger, setUp });
    });
    afterEach(async () => {
      process.env['NODE_ENV'] = environment;
      await closeApps();
    });

    const ask = async (path: string): Promise<[status: number, body: string]> => {
      const answer = await openStream(app, path);
      await answer.end();
      return [answer.status, answer.raw()];
    };

    it.each([
      ['/jobs/7/forgotten', 'ForgetfulController.forgotten (GET /jobs/:id/forgotten) returned undefined'],
      ['/jobs/promised', 'ForgetfulController.promised (GET /jobs/promised) returned undefined'],
      ['/jobs/null', 'ForgetfulController.nothing (GET /jobs/null) returned null'],
    ])(
      'a handler that returns nothing (%s) answers without a body, and the log names it once',
      async (path, words) => {
        for (let again = 0; again < 3; again++) {
          const nothing = path.endsWith('null') && adapter === 'fastify' ? 'null' : '';
          expect(await ask(path)).toEqual([200, nothing]);
        }
        expect(logger.warnings).toEqual([
          `${words}, so its answer is a 200 without a stream. ` +
            'Add the missing `return`, or add @HttpCode(204) if the empty answer is intended.',
        ]);
      },
    );

    it('it is not logged in production', async () => {
      process.env['NODE_ENV'] = 'production';
      expect(await ask('/jobs/promised')).toEqual([200, '']);
      expect(logger.warnings).toEqual([]);
    });

    it.each([
      ['/jobs/meant', 204, ''],
      ['/jobs/object', 200, '{}'],
      ['/jobs/false', 200, 'false'],
      ['/jobs/empty-stream', 200, ':\n'],
    ])(
      'it is not logged if the handler is meant to return nothing, or if it returns something: %s',
      async (path, status, body) => {
        expect(await ask(path)).toEqual([status, body]);
        expect(logger.warnings).toEqual([]);
      },
    );
  }),
);
