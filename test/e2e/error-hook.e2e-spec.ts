import { Controller, HttpException } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { Observable, TimeoutError } from 'rxjs';
import { Runs, Sse, SseConnections, SseSignal, type SseErrorContext } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

/** Error classes of client libraries. */
class APIUserAbortError extends Error {}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

@Controller()
class HookController {
  @Sse('later')
  async *later() {
    yield 1;
    await turn();
    throw new TimeoutError();
  }
  @Sse('nothing-to-say')
  async *nothingToSay() {
    yield 1;
    await turn();
    throw new HttpException(null as never, 502);
  }
  @Sse('aborted')
  async *aborted(@SseSignal() signal: AbortSignal) {
    yield 1;
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new APIUserAbortError('Request was aborted.')));
    });
  }
  @Sse('pushed-abort')
  pushedAbort(@SseSignal() signal: AbortSignal) {
    return new Observable((subscriber) => {
      subscriber.next(1);
      signal.addEventListener('abort', () => subscriber.error(new APIUserAbortError('Request was aborted.')));
    });
  }
  @Sse('teardown')
  teardown() {
    return new Observable((subscriber) => {
      subscriber.next(1);
      return () => {
        throw new Error('of the teardown');
      };
    });
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    afterEach(closeApps);

    const make = async () => {
      const logger = new RecordingLogger();
      const seen: [error: unknown, context: SseErrorContext][] = [];
      const onError = (error: unknown, context: SseErrorContext): void => void seen.push([error, context]);
      const app: INestApplication = await makeApp(adapter, {
        controllers: [HookController],
        logger,
        setUp,
        sse: { onError },
      });
      return { app, logger, seen };
    };

    it('an error after the head reaches the hook with its place, and the log with its message', async () => {
      const { app, logger, seen } = await make();
      const stream = await openStream(app, '/later');
      expect(await stream.end()).toBe('ended');
      expect(seen).toHaveLength(1);
      const [error, context] = seen[0] as (typeof seen)[0];
      expect(error).toBeInstanceOf(TimeoutError);
      expect(context).toMatchObject({
        phase: 'stream',
        handler: 'HookController.later',
        route: 'GET /later',
      });
      expect([context.connection?.events, context.executionContext?.getClass()]).toEqual([2, HookController]);
      expect(logger.errors[0]).toMatch(
        /^HookController\.later \(GET \/later\): TimeoutError: Timeout has occ/,
      );
    });

    it('an exception without a response is an error event with its status', async () => {
      const { app, logger } = await make();
      const stream = await openStream(app, '/nothing-to-say');
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toContain(
        'event: error\ndata: {"statusCode":502,"error":"Bad Gateway","message":"Bad Gateway"}\n\n',
      );
      expect(logger.errors).toHaveLength(1);
    });

    it.each(['/aborted', '/pushed-abort'])(
      'an abort is not an error, whatever class the source reports it with (%s)',
      async (path) => {
        const { app, logger, seen } = await make();
        const stream = await openStream(app, path);
        await stream.next();
        await stream.close();
        await until(() => app.get(SseConnections).count() === 0);
        await until(() => logger.debugs.length === 1, 'a debug line');
        expect(logger.debugs[0]).toContain('Request was aborted.');
        expect([logger.errors, seen]).toEqual([[], []]);
      },
    );

    it('an error of a teardown function reaches the hook, and every other stream is closed', async () => {
      const { app, logger, seen } = await make();
      const streams = await Promise.all([1, 2, 3].map(() => openStream(app, '/teardown')));
      await Promise.all(streams.map((stream) => stream.next()));
      expect(app.get(SseConnections).closeWhere(() => true)).toBe(3);
      for (const stream of streams) expect(await stream.end()).toBe('ended');
      expect(seen.map(([, { phase }]) => phase)).toEqual(['teardown', 'teardown', 'teardown']);
      expect(logger.errors).toHaveLength(3);
    });

    it('an error of a run has the ID of the run', async () => {
      const { app, seen } = await make();
      const failure = new Error('of the run');
      await app.get(Runs).start('r1', async () => Promise.reject(failure));
      await until(() => seen.length === 1);
      expect(seen[0]).toEqual([failure, { phase: 'run', runId: 'r1' }]);
    });
  }),
);
