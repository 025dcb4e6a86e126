import {
  BadRequestException,
  ConflictException,
  Controller,
  ForbiddenException,
  HttpException,
  InternalServerErrorException,
  NotFoundException,
  Param,
  RequestMethod,
  UnauthorizedException,
} from '@nestjs/common';
import type { ExecutionContext, INestApplication } from '@nestjs/common';
import { concat, from, of, throwError, timer } from 'rxjs';
import { comment, event, raw, Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

class Custom extends Error {
  override readonly name = 'Custom';
}
/** An error of another library: not a class of Nest, but of the same shape. */
const lookalike = Object.assign(new Error('short'), {
  getStatus: () => 418,
  getResponse: () => ({ statusCode: 418, message: 'short and stout' }),
});

const ofDatabase = Object.assign(new Error('ECONNREFUSED'), { code: 'ECONNREFUSED' });

const UNKNOWN = { statusCode: 500, error: 'Internal Server Error', message: 'Internal server error' };

/** The error that is thrown after the first event, what the client receives, and whether it is logged. */
const ERRORS: Record<string, [thrown: unknown, body: unknown, logged: boolean]> = {
  'an Error': [new Error('secret'), UNKNOWN, true],
  'an Error with a cause': [new Error('secret', { cause: ofDatabase }), UNKNOWN, true],
  'an HttpException with a cause': [
    new InternalServerErrorException('later', { cause: ofDatabase }),
    { statusCode: 500, error: 'Internal Server Error', message: 'later' },
    true,
  ],
  'an Error of its own class': [new Custom('secret'), UNKNOWN, true],
  'an HttpException': [
    new NotFoundException('No such job'),
    { statusCode: 404, error: 'Not Found', message: 'No such job' },
    false,
  ],
  'an HttpException without words': [
    new ForbiddenException(),
    { statusCode: 403, error: 'Forbidden', message: 'Forbidden' },
    false,
  ],
  'an HttpException of a string': [
    new HttpException('Gone away', 410),
    { statusCode: 410, error: 'Gone', message: 'Gone away' },
    false,
  ],
  'an HttpException of an object': [
    new ConflictException({ message: 'taken', error: 'Taken', secret: 1 }),
    { statusCode: 409, error: 'Taken', message: 'taken' },
    false,
  ],
  'an HttpException of an object without a message': [
    new ConflictException({ code: 'TAKEN' }),
    { statusCode: 409, error: 'Conflict', message: 'Conflict Exception' },
    false,
  ],
  "an HttpException of a validation's messages": [
    new BadRequestException(['a must be a number', 'b is missing']),
    { statusCode: 400, error: 'Bad Request', message: ['a must be a number', 'b is missing'] },
    false,
  ],
  'an HttpException that wraps an Error': [
    new UnauthorizedException(new Error('secret') as never),
    { statusCode: 401, error: 'Unauthorized', message: 'Unauthorized' },
    false,
  ],
  'an HttpException of what JSON cannot express': [
    new ConflictException({ message: 1n }),
    { statusCode: 409, error: 'Conflict', message: 'Conflict' },
    false,
  ],
  'an HttpException of the server': [
    new InternalServerErrorException('the words are for the client'),
    { statusCode: 500, error: 'Internal Server Error', message: 'the words are for the client' },
    true,
  ],
  'an HttpException of a status without a name': [
    new HttpException('odd', 499),
    { statusCode: 499, error: 'Error', message: 'odd' },
    false,
  ],
  'the HttpException of another copy of Nest': [
    lookalike,
    { statusCode: 418, error: "I'm a Teapot", message: 'short and stout' },
    false,
  ],
  'a string': ['secret', UNKNOWN, true],
  undefined: [undefined, UNKNOWN, true],
  null: [null, UNKNOWN, true],
  'a number': [7, UNKNOWN, true],
  'a plain object': [{ status: 404, message: 'secret' }, UNKNOWN, true],
  'a frozen object without prototype': [Object.freeze(Object.create(null)), UNKNOWN, true],
};

/** The result of `map` for an error, and what the client receives. */
const MAPS: Record<string, [map: (error: unknown, context: ExecutionContext) => unknown, bytes: string]> = {
  'a payload': [(error) => ({ oops: (error as Error).message }), 'event: failure\ndata: {"oops":"boom"}\n\n'],
  text: [() => 'two\nlines', 'event: failure\ndata: two\ndata: lines\n\n'],
  null: [() => null, 'event: failure\ndata: null\n\n'],
  undefined: [() => undefined, ''],
  'a whole event': [
    () => event({ type: 'fatal', id: 'e1', retry: 5, comment: 'c', data: { a: 1 } }),
    ': c\nevent: fatal\nid: e1\nretry: 5\ndata: {"a":1}\n\n',
  ],
  'a comment': [() => comment('only for people'), ': only for people\n'],
  'raw()': [() => raw('data: raw\n\n'), 'data: raw\n\n'],
  'what the request says': [
    (_error, context) =>
      context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-name'],
    'event: failure\ndata: from the request\n\n',
  ],
  'what looks like a MessageEvent, and is payload': [
    () => ({ data: 'x', type: 'evil' }),
    'event: failure\ndata: {"data":"x","type":"evil"}\n\n',
  ],
};
const FALLBACK = `event: failure\ndata: ${JSON.stringify(UNKNOWN)}\n\n`;
/** Maps that fail: the client gets the default body, and the log has both errors. */
const FAILING_MAPS: Record<string, [map: () => unknown, logged: string]> = {
  throws: [
    () => {
      throw new RangeError('the map is broken');
    },
    'the map is broken',
  ],
  'gives what JSON cannot express': [() => 1n, 'cannot be written as JSON'],
  'is async': [async () => ({ oops: 'late' }), 'an instance of Promise'],
};
const anyMap = (error: unknown, context: ExecutionContext): unknown => {
  const { params } = context.switchToHttp().getRequest<{ params: { name: string } }>();
  return (MAPS[params.name]?.[0] ?? FAILING_MAPS[params.name]?.[0])?.(error, context);
};

let released = 0;

@Controller()
class ErrorsController {
  @Sse('thrown/:name')
  async *thrown(@Param('name') name: string) {
    try {
      yield 'before';
      throw ERRORS[name]?.[0];
    } finally {
      released++;
    }
  }
  @Sse('observable/:name')
  observable(@Param('name') name: string) {
    return concat(
      of('before'),
      throwError(() => ERRORS[name]?.[0]),
    );
  }
  @Sse('mapped/:name', { errors: { event: 'failure', map: anyMap } })
  async *mapped() {
    yield 'before';
    throw new Error('boom');
  }
  @Sse('named', { errors: { event: 'failure' } })
  async *named() {
    yield 'before';
    throw new ConflictException('taken');
  }
  @Sse('unnamed', { errors: { event: '' } })
  async *unnamed() {
    yield 'before';
    throw new ConflictException('taken');
  }
  @Sse('serialized/:mapped', {
    serialize: (value) => `<${String((value as { oops?: unknown }).oops)}>`,
    errors: {
      map: (error, context) =>
        context.switchToHttp().getRequest<{ params: { mapped: string } }>().params.mapped === 'yes'
          ? { oops: (error as Error).message }
          : event({ type: 'own', data: { oops: 7 } }),
    },
  })
  async *serialized() {
    yield 'before';
    throw new ConflictException('taken');
  }
  @Sse('finally/:how', { method: RequestMethod.GET })
  async *finally(@Param('how') how: string) {
    try {
      yield 'before';
      if (how === 'throw') throw new ConflictException('taken');
    } finally {
      yield 'goodbye';
      yield { type: 'bye', data: 1 };
    }
  }
  @Sse('late')
  late() {
    return concat(of('before'), timer(1), from(Promise.reject(new ConflictException('taken'))));
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    const logger = new RecordingLogger();
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown): void => void uncaught.push(error);
    beforeAll(async () => {
      app = await makeApp(adapter, { controllers: [ErrorsController], logger, setUp });
      process.on('unhandledRejection', onUncaught).on('uncaughtException', onUncaught);
    });
    beforeEach(() => {
      logger.errors.length = 0;
      released = 0;
    });
    afterAll(async () => {
      process.off('unhandledRejection', onUncaught).off('uncaughtException', onUncaught);
      await closeApps();
      expect(uncaught).toEqual([]);
    });

    const body = async (path: string): Promise<string> => {
      const stream = await openStream(app, encodeURI(path), { headers: { 'x-name': 'from the request' } });
      expect(stream.status).toBe(200);
      expect(await stream.end()).toBe('ended');
      return stream.raw();
    };

    describe.each(Object.entries(ERRORS))('%s', (name, [thrown, expected, logged]) => {
      it.each(['thrown', 'observable'])('is one event, then the end (%s)', async (route) => {
        expect(await body(`/${route}/${name}`)).toBe(
          `:\ndata: before\n\nevent: error\ndata: ${JSON.stringify(expected)}\n\n`,
        );
        if (route === 'thrown') expect(released).toBe(1);
        expect(logger.errors).toHaveLength(logged ? 1 : 0);
        if (!logged) return;
        expect(logger.errors[0]).toContain(`ErrorsController.${route} (GET /${route}/:name): `);
        if (thrown instanceof Error) expect(logger.errors[0]).toContain(thrown.stack);
        if (thrown instanceof Error && thrown.cause === ofDatabase) {
          expect(logger.errors[0]).toContain('cause: Error: ECONNREFUSED');
          expect(logger.errors[0]).toContain('code: ECONNREFUSED');
        }
        if (!(thrown instanceof Error))
          expect(logger.errors[0]).toMatch(/not an Error|status|prototype|\[object Object\]|\{\}/);
      });
    });

    it.each(Object.entries(MAPS))('can be mapped to %s', async (name, [, bytes]) => {
      expect(await body(`/mapped/${name}`)).toBe(`:\ndata: before\n\n${bytes}`);
      expect(logger.errors).toHaveLength(1);
      expect(logger.errors[0]).toContain('boom');
    });

    it.each(Object.entries(FAILING_MAPS))('is reported as usual if the map %s', async (name, [, words]) => {
      expect(await body(`/mapped/${name}`)).toBe(`:\ndata: before\n\n${FALLBACK}`);
      expect(logger.errors).toHaveLength(2);
      expect(logger.errors.join()).toContain('boom');
      expect(logger.errors.join()).toContain(words);
    });

    it('is serialized by the serializer of the route after it is mapped', async () => {
      expect(await body('/serialized/yes')).toBe(':\ndata: before\n\nevent: error\ndata: <taken>\n\n');
      expect(await body('/serialized/event')).toBe(':\ndata: before\n\nevent: own\ndata: <7>\n\n');
    });

    it('has the name that the route sets, or none', async () => {
      const data = 'data: {"statusCode":409,"error":"Conflict","message":"taken"}\n\n';
      expect(await body('/named')).toBe(`:\ndata: before\n\nevent: failure\n${data}`);
      expect(await body('/unnamed')).toBe(`:\ndata: before\n\n${data}`);
    });

    it('that is thrown late is one event, too', async () => {
      expect(await body('/late')).toBe(
        ':\ndata: before\n\ndata: 0\n\nevent: error\ndata: {"statusCode":409,"error":"Conflict","message":"taken"}\n\n',
      );
    });

    it('reaches the client after the values that `finally` yields', async () => {
      const goodbye = 'data: goodbye\n\nevent: bye\ndata: 1\n\n';
      expect(await body('/finally/return')).toBe(`:\ndata: before\n\n${goodbye}`);
      expect(await body('/finally/throw')).toBe(
        `:\ndata: before\n\n${goodbye}event: error\ndata: {"statusCode":409,"error":"Conflict","message":"taken"}\n\n`,
      );
    });

    it('leaves no resources open', async () => {
      await until(() => app.get(SseConnections).count() === 0);
      expect(app.get(SseConnections).timers.size).toBe(0);
    });
  }),
);
