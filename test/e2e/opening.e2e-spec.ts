import {
  BadRequestException,
  Catch,
  ConflictException,
  Controller,
  ForbiddenException,
  Injectable,
  NotFoundException,
  Param,
  ParseIntPipe,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import type { ArgumentsHost, CanActivate, ExceptionFilter, INestApplication } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { stat } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { concat, defer, from, NEVER, Observable, of, throwError } from 'rxjs';
import { comment, Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { blockFor } from '../fixtures/blocked.js';
import { ManualClock } from '../fixtures/manual-clock.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

class OutOfStock extends Error {}

@Catch(OutOfStock)
class OutOfStockFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}
  catch(error: OutOfStock, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<object>();
    this.host.httpAdapter.setHeader(response, 'X-Filter', 'stock');
    this.host.httpAdapter.reply(response, { sorry: error.message }, 409);
  }
}

@Catch(BadRequestException)
@Injectable()
class SlowFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}
  async catch(error: BadRequestException, host: ArgumentsHost): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    this.host.httpAdapter.reply(host.switchToHttp().getResponse<object>(), { late: error.message }, 400);
  }
}

@Injectable()
class NobodyGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = (): Promise<never> => new Promise(() => undefined);

/** Thrown for each request again. */
const broken = new Error('broken', { cause: new Error('the reason') });

@Controller()
@UseFilters(OutOfStockFilter)
class OpeningController {
  @Sse('guard')
  @UseGuards(NobodyGuard)
  *guard() {
    yield 'never';
  }
  @Sse('pipe/:id')
  *pipe(@Param('id', ParseIntPipe) id: number) {
    yield id;
  }
  @Sse('handler')
  handler(): string[] {
    throw new NotFoundException('No such job');
  }
  @Sse('async-handler')
  async asyncHandler(): Promise<string[]> {
    await turn();
    throw new NotFoundException('No such job');
  }
  @Sse('generator')
  async *generator() {
    await turn();
    throw new NotFoundException('No such job');
    yield 'never';
  }
  @Sse('sync-generator')
  *syncGenerator() {
    throw new NotFoundException('No such job');
    yield 'never';
  }
  @Sse('generator-after-nothing')
  async *generatorAfterNothing() {
    yield undefined;
    yield { data: undefined };
    throw new NotFoundException('No such job');
  }
  @Sse('observable')
  observable() {
    return throwError(() => new NotFoundException('No such job'));
  }
  @Sse('observable-microtask')
  observableMicrotask() {
    return defer(() => from(Promise.reject(new NotFoundException('No such job'))));
  }
  @Sse('observable-subscribe')
  observableSubscribe() {
    return new Observable(() => {
      throw new NotFoundException('No such job');
    });
  }
  @Sse('custom')
  async *custom() {
    await turn();
    throw new OutOfStock('none left');
    yield 'never';
  }
  @Sse('unknown')
  async *unknown() {
    await turn();
    throw new Error('secret');
    yield 'never';
  }
  @Sse('broken-generator')
  async *brokenGenerator() {
    yield* [];
    throw broken;
  }
  @Sse('broken-handler')
  brokenHandler(): never {
    throw new Error('secret');
  }
  @Sse('unserialisable')
  async *unserialisable() {
    yield 1n;
  }
  /** Its answer arrives while the process is blocked. */
  @Sse('missing-while-blocked')
  async *missingWhileBlocked() {
    const answer = stat('.');
    await Promise.resolve();
    blockFor(400);
    await answer;
    throw new NotFoundException('no such thing');
    yield 'never';
  }
  @Sse('slow-filter', { openAfterMs: 1 })
  @UseFilters(SlowFilter)
  async *slowFilter() {
    throw new BadRequestException('bad');
    yield 'never';
  }
  @Sse('conflict-object')
  async *conflictObject() {
    throw new ConflictException({ code: 'TAKEN' });
    yield 'never';
  }
  @Sse('thrown/:what')
  async *thrown(@Param('what') what: string) {
    throw { string: 'a string', undefined: undefined, null: null, number: 5 }[what] as unknown;
    yield 'never';
  }
  @Sse('thrown-sync/:what')
  thrownSync(@Param('what') what: string): string[] {
    throw { string: 'a string', undefined: undefined, null: null, number: 5 }[what] as unknown;
  }

  @Sse('quiet-generator')
  async *quietGenerator() {
    await never();
    yield 'never';
  }
  @Sse('quiet-generator-soon', { openAfterMs: 40 })
  async *quietGeneratorSoon() {
    await never();
    yield 'never';
  }
  @Sse('quiet-observable')
  quietObservable() {
    return NEVER;
  }
  @Sse('quiet-async-method')
  async quietAsyncMethod() {
    await turn();
    return this.quietGenerator();
  }
  @Sse('late-setup')
  async lateSetup(): Promise<string[]> {
    await never();
    return [];
  }
  @Sse('comment-first')
  async *commentFirst() {
    yield comment('welcome');
    await never();
  }
  @Sse('error-after-comment')
  async *errorAfterComment() {
    yield comment('welcome');
    throw new ForbiddenException('no more');
  }
  @Sse('observable-then-error')
  observableThenError() {
    return concat(
      of('a'),
      throwError(() => new ForbiddenException('no more')),
    );
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    const clock = new ManualClock();
    const logger = new RecordingLogger();
    beforeAll(async () => {
      app = await makeApp(adapter, { controllers: [OpeningController], clock, logger, setUp });
    });
    beforeEach(() => {
      logger.errors.length = 0;
    });
    afterEach(async () => {
      app.get(SseConnections).closeWhere(() => true);
      await until(() => app.get(SseConnections).count() === 0);
    });
    afterAll(closeApps);

    describe('an error before any byte was sent is an HTTP error', () => {
      const NOT_FOUND = { statusCode: 404, error: 'Not Found', message: 'No such job' };
      it.each([
        ['of a guard', '/guard', { statusCode: 403, error: 'Forbidden', message: 'Forbidden resource' }],
        [
          'of a pipe',
          '/pipe/x',
          {
            statusCode: 400,
            error: 'Bad Request',
            message: 'Validation failed (numeric string is expected)',
          },
        ],
        ['of a handler', '/handler', NOT_FOUND],
        ['of an async handler', '/async-handler', NOT_FOUND],
        ['of a generator', '/generator', NOT_FOUND],
        ['of a sync generator', '/sync-generator', NOT_FOUND],
        ['of a generator that only yielded nothing', '/generator-after-nothing', NOT_FOUND],
        ['of an Observable', '/observable', NOT_FOUND],
        ['of an Observable, a microtask later', '/observable-microtask', NOT_FOUND],
        ["of an Observable's subscribe function", '/observable-subscribe', NOT_FOUND],
        ['with a body of its own', '/conflict-object', { code: 'TAKEN' }],
        ['that is nobody’s business', '/unknown', { statusCode: 500, message: 'Internal server error' }],
      ])('%s', async (_what, path, expected) => {
        const answer = await openStream(app, path);
        expect(await answer.json()).toEqual(expected);
        expect(answer.status).toBe((expected as { statusCode?: number }).statusCode ?? 409);
        expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
        for (const name of ['cache-control', 'x-accel-buffering', 'x-content-type-options']) {
          expect(answer.headers[name]).toBeUndefined();
        }
        expect(answer.raw().startsWith(':')).toBe(false);
        expect(logger.errors).toHaveLength(answer.status === 500 ? 1 : 0);
      });

      it.each(['/unknown', '/broken-generator', '/broken-handler', '/unserialisable'])(
        'that is a 500 names its route in the log: %s',
        async (path) => {
          for (let again = 0; again < 2; again++) {
            logger.errors.length = 0;
            expect((await openStream(app, path)).status).toBe(500);
            expect(logger.errors).toHaveLength(1);
            expect(logger.errors[0]?.match(/OpeningController\.\w+ \(GET \S+\)/g)).toEqual([
              expect.stringContaining(`(GET ${path})`),
            ]);
          }
        },
      );

      it('is an HTTP error even if this process was blocked before it came', async () => {
        const real = await makeApp(adapter, { controllers: [OpeningController], logger });
        const answer = await openStream(real, '/missing-while-blocked');
        expect([answer.status, await answer.json()]).toEqual([
          404,
          { ...NOT_FOUND, message: 'no such thing' },
        ]);
      });

      it("goes through the application's own filters", async () => {
        const answer = await openStream(app, '/custom');
        expect(answer.status).toBe(409);
        expect(answer.headers['x-filter']).toBe('stock');
        expect(await answer.json()).toEqual({ sorry: 'none left' });
      });

      it('waits for an asynchronous filter: the head is not sent meanwhile', async () => {
        const answer = openStream(app, '/slow-filter');
        await turn();
        clock.advance(10);
        expect((await answer).status).toBe(400);
        expect(await (await answer).json()).toEqual({ late: 'bad' });
      });

      it.each(['string', 'undefined', 'null', 'number'])(
        'is a 500 if the thrown value is not an Error (%s), and the log says so',
        async (what) => {
          for (const path of [`/thrown/${what}`, `/thrown-sync/${what}`]) {
            logger.errors.length = 0;
            const answer = await openStream(app, path);
            expect(answer.status).toBe(500);
            expect(await answer.json()).toEqual({ statusCode: 500, message: 'Internal server error' });
            expect(logger.errors).toHaveLength(1);
            expect(logger.errors[0]).toMatch(
              /OpeningController\.thrown(Sync)? threw .*, which is not an Error/,
            );
          }
        },
      );
    });

    describe('the head', () => {
      /** Sends a request, and reports whether the head has arrived. */
      const asked = async (path: string) => {
        const request = get(`${await app.getUrl()}${path}`, { agent: false });
        const state: { response: IncomingMessage | undefined; body: string } = {
          response: undefined,
          body: '',
        };
        request.on('error', () => undefined);
        request.on('response', (response) => {
          state.response = response;
          response.on('error', () => undefined);
          response.on('data', (chunk) => (state.body += String(chunk)));
        });
        await until(() => app.get(SseConnections).count() === 1, 'the request');
        return state;
      };
      const stays = async (holds: () => boolean): Promise<void> => {
        for (let i = 0; i < 30; i++) {
          await turn();
          expect(holds()).toBe(true);
        }
      };

      it.each([
        ['/quiet-generator', 250],
        ['/quiet-generator-soon', 40],
      ])('of a generator without a value (%s) is sent after %i ms, with a comment', async (path, afterMs) => {
        const state = await asked(path);
        await stays(() => state.response === undefined);
        clock.advance(afterMs - 1);
        await stays(() => state.response === undefined);
        clock.advance(1);
        await until(() => state.body !== '', 'the comment');
        expect(state.body).toBe(':\n');
      });

      it.each(['/quiet-observable', '/quiet-async-method'])('of %s is sent at once', async (path) => {
        const state = await asked(path);
        await until(() => state.body !== '', 'the comment');
        expect(state.body).toBe(':\n');
      });

      it('of an async method is not sent before the method has resolved', async () => {
        const state = await asked('/late-setup');
        clock.advance(100_000);
        await stays(() => state.response === undefined);
      });

      it('is sent with a comment of the handler; an error after it is an event', async () => {
        const state = await asked('/comment-first');
        await until(() => state.body !== '', 'the comment');
        expect(state.body).toBe(':\n: welcome\n');
        const stream = await openStream(app, '/error-after-comment');
        await stream.end();
        expect(stream.raw()).toBe(
          ':\n: welcome\nevent: error\ndata: {"statusCode":403,"error":"Forbidden","message":"no more"}\n\n',
        );
      });

      it('is sent with the first event of an Observable; an error after it is an event', async () => {
        const stream = await openStream(app, '/observable-then-error');
        await stream.end();
        expect(stream.raw()).toBe(
          ':\ndata: a\n\nevent: error\ndata: {"statusCode":403,"error":"Forbidden","message":"no more"}\n\n',
        );
      });
    });
  }),
);
