import { Controller, Param } from '@nestjs/common';
import type { ExecutionContext, INestApplication } from '@nestjs/common';
import { comment, event, LastEventId, raw, retryAfter, Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { ManualClock } from '../fixtures/manual-clock.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

const asked: unknown[] = [];

function byPosition(value: unknown, context: ExecutionContext): string | undefined {
  asked.push(value);
  const { params } = context.switchToHttp().getRequest<{ params: { shard: string } }>();
  const { position } = value as { position?: number };
  return position === undefined ? undefined : `${params.shard}-${position}`;
}

@Controller()
class IdsController {
  @Sse('none')
  *none() {
    yield 'a';
    yield { data: 'b' };
  }

  @Sse('sequence', { ids: 'sequence' })
  *sequence() {
    yield 'a';
    yield comment('no id');
    yield retryAfter(5);
    yield undefined;
    yield { comment: 'neither' };
    yield { pct: 7 };
    yield raw('data: raw\n\n');
    yield event({ type: 't', data: 'c' });
    yield { data: 'own', id: 'x' };
    yield event({ id: '', data: 'reset' });
    yield 'd';
    throw new Error('errors have none');
  }

  @Sse('heartbeats', { ids: 'sequence', heartbeat: { intervalMs: 1000, event: 'beat', data: 1 } })
  async *heartbeats() {
    yield 'a';
    await new Promise(() => undefined);
  }

  @Sse('function/:shard', { ids: byPosition })
  *function() {
    yield { position: 4 };
    yield comment('not asked for');
    yield { position: 5, data: 'x' };
    yield 'nothing made of it';
  }

  @Sse('illegal', { ids: () => 'a\nb' })
  *illegal() {
    yield 'a';
  }

  @Sse('throws/:at', {
    ids: (value) => {
      if (value === 'bad') throw new TypeError('no id for you');
      return 'ok';
    },
  })
  *throws(@Param('at') at: string) {
    if (at === 'later') yield 'good';
    yield 'bad';
  }

  @Sse('last')
  *last(@LastEventId() id: string | undefined) {
    yield { got: id ?? null };
  }

  @Sse('query', { lastEventIdQuery: true, ids: 'sequence' })
  *query(@LastEventId() id: string | undefined) {
    yield id ?? 'none';
  }
}

eachAdapter((adapter) => {
  let app: INestApplication;
  const logger = new RecordingLogger();
  const clock = new ManualClock();
  beforeAll(async () => {
    app = await makeApp(adapter, { controllers: [IdsController], logger, clock });
  });
  afterAll(closeApps);

  const body = async (path: string, lastEventId?: string): Promise<string> => {
    const stream = await openStream(app, path, lastEventId === undefined ? {} : { lastEventId });
    await stream.end();
    return stream.raw();
  };

  it('are not generated unless an option asks for them', async () => {
    expect(await body('/none')).toBe(':\ndata: a\n\ndata: b\n\n');
  });

  const ERROR =
    'event: error\ndata: {"statusCode":500,"error":"Internal Server Error","message":"Internal server error"}\n\n';

  it('number events with data from 1, and leave own ids, comments, retries, raw() and errors alone', async () => {
    expect(await body('/sequence')).toBe(
      ':\nid: 1\ndata: a\n\n: no id\nretry: 5\n\n: neither\nid: 2\ndata: {"pct":7}\n\ndata: raw\n\n' +
        `event: t\nid: 3\ndata: c\n\nid: x\ndata: own\n\nid: \ndata: reset\n\nid: 4\ndata: d\n\n${ERROR}`,
    );
  });

  it('continue after a numeric Last-Event-ID', async () => {
    expect(await body('/sequence', '41')).toContain(':\nid: 42\ndata: a\n\n');
    expect(await body('/sequence', '0')).toContain(':\nid: 1\ndata: a\n\n');
  });

  it.each(['x7', '7x', '-7', '1.5', '1e3', '0x10', ' ', '9'.repeat(16)])(
    'start from 1 if the Last-Event-ID is not one of their numbers (%s)',
    async (id) => {
      expect(await body('/sequence', id)).toContain(':\nid: 1\ndata: a\n\n');
    },
  );

  it('are not assigned to heartbeats', async () => {
    const stream = await openStream(app, '/heartbeats');
    await stream.next();
    clock.advance(1100);
    await stream.next('beat');
    expect(stream.raw()).toBe(':\nid: 1\ndata: a\n\nevent: beat\ndata: 1\n\n');
    await stream.close();
  });

  it('come from a function of the value and the request, which is called only for events with data', async () => {
    asked.length = 0;
    expect(await body('/function/s1')).toBe(
      ':\nid: s1-4\ndata: {"position":4}\n\n: not asked for\nid: s1-5\ndata: {"position":5,"data":"x"}\n\n' +
        'data: nothing made of it\n\n',
    );
    expect(asked).toEqual([{ position: 4 }, { position: 5, data: 'x' }, 'nothing made of it']);
  });

  it('from a function must be valid IDs', async () => {
    logger.errors.length = 0;
    const answer = await openStream(app, '/illegal');
    expect(answer.status).toBe(500);
    await answer.end();
    expect(logger.errors[0]).toContain('"id" cannot be "a\\nb"');
  });

  it('from a function that throws: a 500 for the first event, an error event later', async () => {
    logger.errors.length = 0;
    expect((await openStream(app, '/throws/first')).status).toBe(500);
    expect(await body('/throws/later')).toBe(`:\nid: ok\ndata: good\n\n${ERROR}`);
    expect(logger.errors).toHaveLength(2);
    expect(logger.errors[1]).toContain('no id for you');
  });

  it('from the client reach the handler decoded: ASCII, UTF-8 and Latin-1', async () => {
    const got = async (lastEventId?: string): Promise<unknown> => {
      const stream = await openStream(app, '/last', lastEventId === undefined ? {} : { lastEventId });
      return (await stream.next()).json<{ got: unknown }>().got;
    };
    expect(await got()).toBeNull();
    expect(await got('')).toBeNull();
    expect(await got('e1-7')).toBe('e1-7');
    expect(await got(Buffer.from('é€', 'utf8').toString('latin1'))).toBe('é€');
    expect(await got('é')).toBe('é');
  });

  it('from the client are rejected with 400 if they are too long', async () => {
    const answer = await openStream(app, '/last', { lastEventId: 'x'.repeat(4097) });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ statusCode: 400, error: 'Bad Request' });
    expect((await openStream(app, '/last', { lastEventId: 'x'.repeat(4096) })).status).toBe(200);
  });

  it('are taken from the query if the route allows it; the header takes precedence', async () => {
    expect(await body('/query?lastEventId=6')).toBe(':\nid: 7\ndata: 6\n\n');
    expect(await body('/query?lastEventId=6', '9')).toBe(':\nid: 10\ndata: 9\n\n');
    expect(await body('/query?lastEventId=')).toBe(':\nid: 1\ndata: none\n\n');
    expect(await body('/query?lastEventId=1&lastEventId=2')).toBe(':\nid: 1\ndata: none\n\n');
    expect((await openStream(app, '/query?lastEventId=a%0Ab')).status).toBe(400);
    expect(await body('/last?lastEventId=6')).toBe(':\ndata: {"got":null}\n\n');
  });
});
