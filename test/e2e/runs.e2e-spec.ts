import {
  ConflictException,
  Controller,
  Delete,
  Get,
  Param,
  Post,
  RequestMethod,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import type { CallHandler, ExecutionContext, INestApplication } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import {
  LastEventId,
  Runs,
  Sse,
  SseConnections,
  SseErrorFilter,
  event,
  memoryLog,
  type EventLog,
  type SseEvent,
} from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { ownRuns } from '../fixtures/own-runs.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { Hand } from '../fixtures/run-viewer.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { ask } from './ask.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

class LookAtEach {
  intercept(_context: ExecutionContext, next: CallHandler<SseEvent>): Observable<SseEvent> {
    return next.handle().pipe(map((event) => event));
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
let hand: Hand;

const SOURCES: Record<string, (signal: AbortSignal) => unknown> = {
  hand: (signal) => hand.source(signal),
  many: () => range(0, 1000),
  refused: () => {
    throw new ConflictException('Not now');
  },
  broken: async function* () {
    yield event({ retry: 1, data: 1 });
    throw new Error('secret');
  },
};

@Controller('chats')
@UseFilters(SseErrorFilter)
class Chats {
  constructor(private readonly runs: Runs) {}

  @Post(':id/:kind')
  async start(@Param('id') id: string, @Param('kind') kind: string) {
    await this.runs.start(id, SOURCES[kind]!);
    return { id };
  }

  @Sse(':id')
  view(@Param('id') id: string, @LastEventId() after?: string) {
    return this.runs.attach(id, { after });
  }

  @Sse(':id/seen', { errors: { event: 'failure' } })
  @UseInterceptors(LookAtEach)
  seen(@Param('id') id: string, @LastEventId() after?: string) {
    return this.runs.attach(id, { after });
  }

  @Sse(':id', { method: RequestMethod.PUT, complete: { event: 'done' } })
  async startAndView(@Param('id') id: string) {
    const run = await this.runs.start(id, () => ['a', 'b'], { attachIfRunning: true });
    return run.attach();
  }

  @Get(':id/status')
  async status(@Param('id') id: string) {
    return { status: (await this.runs.status(id)) ?? null };
  }

  @Delete(':id')
  async stop(@Param('id') id: string) {
    return { stopped: await this.runs.stop(id) };
  }
}

eachAdapter((adapter) => {
  let logger: RecordingLogger;
  const demo = (log?: EventLog) => {
    logger = new RecordingLogger();
    return makeApp(adapter, { controllers: [Chats], logger, ...(log && { sse: { log } }) });
  };
  const start = (app: INestApplication, kind: string, id = 'r') => ask(app, 'POST', `/chats/${id}/${kind}`);

  beforeEach(() => {
    hand = new Hand();
  });
  afterEach(async () => {
    closeStockClients();
    await closeApps();
  });

  it('continues without its client, which gets each event once; a second client gets the same bytes', async () => {
    const app = await demo();
    expect(await start(app, 'hand')).toMatchObject({ status: 201, body: { id: 'r' } });
    const first = await openStream(app, '/chats/r');
    hand.give('one\ntwo', { n: 2 });
    const [one, two] = await first.collect(2);
    expect(first.raw()).toBe(`:\nid: ${one?.id}\ndata: one\ndata: two\n\nid: ${two?.id}\ndata: {"n":2}\n\n`);
    await first.close();
    await until(() => app.get(SseConnections).count() === 0);
    hand.give(event({ type: 'step', data: 3 }), undefined, null);
    hand.done();
    const back = await openStream(app, '/chats/r', { lastEventId: one?.id as string });
    expect(await back.end()).toBe('ended');
    const second = await openStream(app, '/chats/r/seen');
    expect(await second.end()).toBe('ended');
    expect(second.raw().endsWith(back.raw().slice(2))).toBe(true);
    expect((await second.rest()).map(({ type, data }) => [type, data])).toEqual([
      ['message', 'one\ntwo'],
      ['message', '{"n":2}'],
      ['step', '3'],
      ['message', 'null'],
    ]);
  });

  it('is a 404 before it is started, a 409 while it runs, a 400 for invalid IDs', async () => {
    const app = await demo();
    const unknown = { statusCode: 404, error: 'Not Found', message: 'A run with this id does not exist.' };
    expect(await ask(app, 'GET', '/chats/r')).toEqual({ status: 404, body: unknown });
    expect(await ask(app, 'DELETE', '/chats/r')).toEqual({
      status: 404,
      body: unknown,
    });
    expect((await ask(app, 'GET', '/chats/r/status')).body).toEqual({ status: null });
    await start(app, 'hand');
    expect(await start(app, 'hand')).toEqual({
      status: 409,
      body: { statusCode: 409, error: 'Conflict', message: 'A run with this id is already running.' },
    });
    expect((await ask(app, 'GET', '/chats/a%00b')).status).toBe(400);
    const forged = await openStream(app, '/chats/r', { lastEventId: 'x'.repeat(1000) });
    expect((await forged.next()).type).toBe('gap');
    await forged.close();
    expect(logger.errors).toEqual([]);
  });

  it('ends for all viewers when it is stopped', async () => {
    const app = await demo();
    await start(app, 'hand');
    const streams = [await openStream(app, '/chats/r'), await openStream(app, '/chats/r/seen')];
    hand.give(1);
    for (const stream of streams) await stream.next();
    expect(await ask(app, 'DELETE', '/chats/r')).toEqual({ status: 200, body: { stopped: true } });
    for (const stream of streams) {
      expect(await stream.end()).toBe('ended');
      expect((await stream.rest()).map(({ type, data }) => [type, data])).toEqual([
        ['stopped', '{"reason":"stop"}'],
      ]);
    }
    expect(hand.signal?.aborted).toBe(true);
    expect((await ask(app, 'DELETE', '/chats/r')).body).toEqual({ stopped: false });
    expect((await ask(app, 'GET', '/chats/r/status')).body).toEqual({ status: 'stopped' });
  });

  it('that fails is an error event without an ID, with the event name of the route', async () => {
    const app = await demo();
    await start(app, 'hand');
    const streams = [await openStream(app, '/chats/r'), await openStream(app, '/chats/r/seen')];
    hand.give(1);
    for (const stream of streams) await stream.next();
    hand.fail(new ConflictException('Out of tokens'));
    const body = '{"statusCode":409,"error":"Conflict","message":"Out of tokens"}';
    const ends = await Promise.all(streams.map(async (stream) => (await stream.end(), stream.raw())));
    expect(ends.map((text) => text.slice(text.indexOf('event:')))).toEqual([
      `event: error\ndata: ${body}\n\n`,
      `event: failure\ndata: ${body}\n\n`,
    ]);
  });

  it('that fails before its first event is that HTTP error', async () => {
    const app = await demo();
    await start(app, 'refused');
    await until(() => ownRuns(app.get(Runs)).length === 0);
    expect(await ask(app, 'GET', '/chats/r')).toEqual({
      status: 409,
      body: { statusCode: 409, error: 'Conflict', message: 'Not now' },
    });
  });

  it('of a thousand events at once is delivered completely', async () => {
    const app = await demo(memoryLog({ maxEvents: 1001 }));
    await start(app, 'many');
    for (const path of ['/chats/r', '/chats/r/seen']) {
      const stream = await openStream(app, path);
      expect((await stream.rest()).map(({ data }) => Number(data))).toEqual(range(0, 1000));
    }
  });

  it('can be started and viewed in one request, also if it already runs', async () => {
    const app = await demo();
    for (const expected of [
      ['a', 'b', ''],
      ['a', 'b', ''],
    ]) {
      const stream = await openStream(app, '/chats/r', { method: 'PUT' });
      expect((await stream.rest()).map(({ data }) => data)).toEqual(expected);
    }
  });

  it('keeps a stock EventSource through disconnects, and ends it at the end', async () => {
    const app = await demo();
    const url = `${await app.getUrl()}/chats/r`;
    hand.give(event({ retry: 1, data: 0 }));
    await start(app, 'hand');
    const client = followWithStockClient(url);
    await until(() => client.events.length === 1);
    for (const n of range(1, 6)) {
      app.get(SseConnections).closeWhere(() => true);
      hand.give(n);
      await until(() => client.events.length === n + 1);
    }
    hand.done();
    await client.closed();
    expect(client.events.map(({ data }) => Number(data))).toEqual(range(0, 6));
    expect(client.statuses.at(-1)).toBe(204);
  });

  it('that failed permanently ends a stock EventSource, too', async () => {
    const app = await demo();
    await start(app, 'broken');
    const client = followWithStockClient(`${await app.getUrl()}/chats/r`);
    await client.closed();
    expect([client.events.map(({ data }) => data), client.statuses.at(-1)]).toEqual([['1'], 500]);
    const again = await openStream(app, '/chats/r');
    expect((await again.rest()).map(({ type }) => type)).toEqual(['message', 'error']);
    expect(logger.errors).toEqual([expect.stringMatching(/^Run "r": Error: secret/)]);
  });

  it('ends with the application: its viewers are asked to reconnect, its source is aborted', async () => {
    const app = await demo();
    await start(app, 'hand');
    const stream = await openStream(app, '/chats/r');
    hand.give(1);
    await stream.next();
    await app.close();
    expect(await stream.end()).toBe('ended');
    expect(stream.raw()).toMatch(/\nretry: \d+\n\n$/);
    expect([hand.signal?.aborted, hand.finished]).toEqual([true, true]);
    expect(logger.errors).toEqual([]);
  });

  it('is viewed and stopped on another node, whose viewers see its end when its node fails', async () => {
    const log = memoryLog();
    const [a, b] = [await demo(log), await demo(log)];
    await start(a, 'hand');
    const stream = await openStream(b, '/chats/r');
    hand.give(1);
    expect((await stream.next()).data).toBe('1');
    expect((await ask(b, 'DELETE', '/chats/r')).body).toEqual({ stopped: true });
    expect(await stream.end()).toBe('ended');
    hand = new Hand();
    await start(b, 'hand');
    const viewer = await openStream(a, '/chats/r');
    hand.give(2);
    await viewer.next();
    log.close = () => undefined;
    await b.close();
    expect((await viewer.next('error')).data).toBe(
      '{"statusCode":503,"error":"Service Unavailable","message":"The run was interrupted."}',
    );
    expect(await viewer.end()).toBe('ended');
  });
});
