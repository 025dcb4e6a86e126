import { Controller, type INestApplication } from '@nestjs/common';
import { from, map, mergeMap, Observable } from 'rxjs';
import * as v from 'valibot';
import { z } from 'zod';
import { Channels, comment, event, raw, retryAfter, Sse, type SseModuleOptions } from 'nestjs-event-stream';
import { defineEvents, text, type } from 'nestjs-event-stream/events';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

const events = defineEvents({
  progress: z.object({ percent: z.number().max(100) }),
  token: text(),
  size: z.object({ bytes: z.number().default(0) }),
  message: type<{ any: number }>(),
});
const later = defineEvents({ slow: z.number().refine(() => Promise.resolve(true)) });
const never = defineEvents({
  stuck: { '~standard': { version: 1, vendor: 'test', validate: () => new Promise<never>(() => undefined) } },
} as never);
const throwing = defineEvents({
  broken: v.pipe(
    v.number(),
    v.check(() => {
      throw new Error('secret');
    }),
  ),
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** A value without a type, as `any` and JavaScript produce it. */
// oxlint-disable-next-line typescript/no-explicit-any
const unchecked = (value: unknown): any => value;

@Controller()
class ContractController {
  constructor(private readonly channels: Channels) {}

  @Sse('all', { events })
  async *all() {
    yield events.progress({ percent: 1 }, { id: 7, retry: 5, comment: 'c' });
    await turn();
    yield events.token('5');
    yield comment('note');
    yield retryAfter(9);
    yield undefined;
    yield raw('event: unknown\ndata: raw\n\n') as never;
    await turn();
    // Sent as it was given: the output of the schema is for the client.
    yield events.size({});
    yield { type: 'progress' as const, data: { percent: 2 } };
    yield { any: 1 };
    yield event({ id: 8 });
  }
  @Sse('first', { events })
  async *first() {
    await turn();
    yield unchecked(event({ type: 'progress', data: { percent: 'many' } }));
  }
  @Sse('later', { events })
  async *later() {
    yield events.progress({ percent: 1 });
    await turn();
    yield events.progress({ percent: 101 });
    yield events.progress({ percent: 3 });
  }
  @Sse('pushed', { events })
  pushed() {
    return from([1, 101, 3]).pipe(
      mergeMap(async (percent) => {
        await turn();
        return percent;
      }, 1),
      map((percent) => events.progress({ percent })),
    );
  }
  @Sse('promised', { events })
  async promised() {
    await turn();
    return new Observable<ReturnType<typeof events.progress>>((subscriber) => {
      subscriber.next(events.progress({ percent: 101 }));
    });
  }
  @Sse('name', { events })
  *name() {
    yield unchecked({ type: 'progres', data: { percent: 1 } });
  }
  @Sse('without-name', { events: later })
  *withoutName() {
    yield unchecked('text');
  }
  @Sse('slow', { events: later })
  *slow() {
    yield later.slow(1);
  }
  @Sse('stuck', { events: never })
  *stuck() {
    yield unchecked(event({ type: 'stuck', data: 1 }));
  }
  @Sse('broken', { events: throwing })
  *broken() {
    yield throwing.broken(1);
  }
  @Sse('nested', { events })
  *nested() {
    yield unchecked(from([1]));
  }
  @Sse('unvalidated', { events, validate: false })
  *unvalidated() {
    yield unchecked(event({ type: 'progress', data: 'wrong' }));
  }
  @Sse('validated', { events, validate: true })
  *validated() {
    yield unchecked(event({ type: 'progress', data: 'wrong' }));
  }
  @Sse('plain', { events })
  plain() {
    return { type: 'progress', data: 'an ordinary answer' };
  }
  @Sse('gap', { events })
  async *gap() {
    const channel = this.channels.channel<number>('gap');
    await channel.publish(1);
    for await (const each of channel.subscribe({ after: 'AAAAAAAA~unknown-1' })) {
      yield unchecked(each.data === 1 ? event({ type: 'token', data: 'end' }) : each);
      if (each.data === 1) return;
    }
  }
}

const ERROR_EVENT =
  'event: error\ndata: {"statusCode":500,"error":"Internal Server Error","message":"Internal server error"}\n\n';

eachAdapter((adapter) =>
  eachWay((setUp) => {
    const { NODE_ENV } = process.env;
    afterEach(async () => {
      process.env['NODE_ENV'] = NODE_ENV;
      await closeApps();
    });

    const make = async (
      sse: SseModuleOptions = {},
    ): Promise<{ app: INestApplication; logger: RecordingLogger; seen: unknown[] }> => {
      const logger = new RecordingLogger();
      const seen: unknown[] = [];
      const onError = (error: unknown): void => void seen.push(error);
      const app = await makeApp(adapter, {
        controllers: [ContractController],
        logger,
        setUp,
        sse: { onError, complete: 'reconnect', ...sse },
      });
      return { app, logger, seen };
    };
    const bodyOf = async (app: INestApplication, path: string): Promise<[status: number, body: string]> => {
      const stream = await openStream(app, path);
      await stream.end();
      return [stream.status, stream.raw()];
    };

    it.each([true, false])('events of the contract are sent unchanged (validate: %p)', async (validate) => {
      const { app } = await make({ validate });
      expect(await bodyOf(app, '/all')).toEqual([
        200,
        ':\n: c\nevent: progress\nid: 7\nretry: 5\ndata: {"percent":1}\n\nevent: token\ndata: 5\n\n: note\nretry: 9\n\n' +
          'event: unknown\ndata: raw\n\nevent: size\ndata: {}\n\nevent: progress\ndata: {"percent":2}\n\ndata: {"any":1}\n\nid: 8\n\n',
      ]);
    });

    it.each([
      [
        'first',
        'The data of the event "progress" breaks its contract. data.percent: Invalid input: expected number',
      ],
      ['promised', 'The data of the event "progress" breaks its contract. data.percent: Too big'],
      ['name', 'The contract has no event "progres". Use one of "progress", "token", "size", "message"'],
      ['without-name', 'The contract has no event "message". Use one of "slow"'],
      ['slow', 'The schema of the event "slow" answered with a promise.'],
      ['stuck', 'The schema of the event "stuck" answered with a promise.'],
      ['broken', 'The schema of the event "broken" threw an error.'],
      ['nested', 'The data of an event cannot be an Observable.'],
    ])('an invalid first event is a 500, and the log says why: /%s', async (path, message) => {
      const { app, logger } = await make();
      const [status, body] = await bodyOf(app, `/${path}`);
      expect([status, JSON.parse(body)]).toEqual([
        500,
        { statusCode: 500, message: 'Internal server error' },
      ]);
      expect(logger.errors.length).toBe(1);
      expect(logger.errors[0]).toContain(message);
    });

    it.each(['later', 'pushed'])(
      'a later invalid event is an error event and the end, and is logged once: /%s',
      async (path) => {
        const { app, logger, seen } = await make();
        expect(await bodyOf(app, `/${path}`)).toEqual([
          200,
          `:\nevent: progress\ndata: {"percent":1}\n\n${ERROR_EVENT}`,
        ]);
        await until(() => seen.length > 0);
        expect(seen).toMatchObject([
          {
            code: 'SSE_INVALID_EVENT',
            context: {
              event: 'progress',
              issues: [{ path: 'data.percent', message: expect.any(String) as string }],
            },
          },
        ]);
        expect(logger.errors.length).toBe(1);
      },
    );

    it('validates except in production, and the closest option wins', async () => {
      const statuses = async (app: INestApplication): Promise<number[]> =>
        Promise.all(
          ['/first', '/unvalidated', '/validated'].map(async (path) => (await bodyOf(app, path))[0]),
        );
      expect(await statuses((await make()).app)).toEqual([500, 200, 500]);
      expect(await statuses((await make({ validate: false })).app)).toEqual([200, 200, 500]);
      process.env['NODE_ENV'] = 'production';
      expect(await statuses((await make()).app)).toEqual([200, 200, 500]);
      expect(await statuses((await make({ validate: true })).app)).toEqual([500, 200, 500]);
    });

    it('does not describe an ordinary answer, or the events of the library', async () => {
      const { app } = await make();
      expect(await bodyOf(app, '/plain')).toEqual([200, '{"type":"progress","data":"an ordinary answer"}']);
      const [status, body] = await bodyOf(app, '/gap');
      expect([status, body.match(/^(?:event|data): .*/gm)?.map((line) => line.slice(0, 20))]).toEqual([
        200,
        ['event: gap', 'data: {"requested":"', 'event: token', 'data: end'],
      ]);
    });
  }),
);

describe('options of a route with a contract', () => {
  const start = async (options: object): Promise<unknown> => {
    class Routes {
      *all() {
        yield events.token('a');
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Routes.prototype, 'all') as PropertyDescriptor;
    Sse('x', { events, ...options })(Routes.prototype, 'all', descriptor);
    Object.defineProperty(Routes.prototype, 'all', descriptor);
    Controller()(Routes);
    try {
      await makeApp('express', { controllers: [Routes] });
      return 'started';
    } catch (error) {
      return (error as Error).message;
    }
  };
  afterEach(closeApps);

  it.each([
    ['complete', { event: 'progress', data: { percent: 'all' } }],
    ['complete', { data: 'done' }],
    ['timeout', { afterMs: 5, event: 'token', data: 5 }],
    ['heartbeat', { event: 'size', data: { bytes: 'x' } }],
    ['heartbeat', { event: 'size' }],
  ])('rejects events that it does not allow: %s', async (option, value) => {
    const { data = '' } = value as { data?: unknown };
    const shown = JSON.stringify(data);
    const name = (value as { event?: string }).event ?? 'message';
    // type<T>() does not validate at run time.
    const expected =
      name === 'message'
        ? 'started'
        : `Routes.all: Invalid option "${option}.data": ${shown}. The data of the event "${name}" breaks`;
    expect(await start({ [option]: value })).toContain(expected);
    expect(await start({ [option]: value, validate: false })).toBe('started');
  });

  it.each([
    { complete: { event: 'end', data: 5 } },
    { complete: { event: 'token', data: '[DONE]' } },
    { timeout: { afterMs: 5 } },
    { timeout: { afterMs: 5, event: 'token', data: () => 5 } },
    { heartbeat: 5000 },
    { heartbeat: { event: 'ping' } },
  ])('allows other results: %j', async (options) => {
    expect(await start(options)).toBe('started');
  });

  it.each([{ events: {} }, { events: null }, { events: { progress: z.number() } }, { events: ['progress'] }])(
    'accepts only a contract made by defineEvents(), not %p',
    async (options) => {
      expect(await start(options)).toContain('Routes.all: Invalid option "events"');
    },
  );
});
