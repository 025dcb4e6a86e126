import { Controller, UseInterceptors, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { Channels, LastEventId, Sse, SseConnections, memoryLog, type SseEvent } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { DelayedLog } from '../contract/delayed-log.js';
import { ManualClock } from '../fixtures/manual-clock.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

class LookAtEach {
  intercept(_context: ExecutionContext, next: CallHandler<SseEvent>): Observable<SseEvent> {
    return next.handle().pipe(map((event) => event));
  }
}

@Controller()
class News {
  constructor(private readonly channels: Channels) {}

  @Sse('news')
  news(@LastEventId() after?: string) {
    return this.channels.channel('news').subscribe({ after });
  }

  @Sse('thrown')
  async thrown() {
    return [await this.channels.channel('news').publish('seen')];
  }

  @Sse('seen')
  @UseInterceptors(LookAtEach)
  seen(@LastEventId() after?: string) {
    return this.channels.channel('news').subscribe({ after });
  }

  @Sse('many')
  many(@LastEventId() after?: string) {
    return this.channels.subscribe(MANY, { after });
  }
}

const MANY = Array.from({ length: 100 }, (_, i) => `topic ${i}`);

eachAdapter((adapter) => {
  afterEach(closeApps);

  it.each(['/news', '/seen'])(
    '%s: events published in one turn arrive in order, and a client can resume after each of them',
    async (path) => {
      const app = await makeApp(adapter, { controllers: [News] });
      const channel = app.get(Channels).channel('news');
      const stream = await openStream(app, path);
      await until(() => channel.size() === 1);
      const ids = await Promise.all([
        channel.publish({ n: 1 }),
        channel.publish({ n: 2 }),
        channel.publish('three\nlines\n'),
      ]);
      const events = await stream.collect(3);
      expect(events.map(({ id, data }) => [id, data])).toEqual([
        [ids[0], '{"n":1}'],
        [ids[1], '{"n":2}'],
        [ids[2], 'three\nlines\n'],
      ]);
      expect(stream.raw()).toBe(
        `:\nid: ${ids[0]}\ndata: {"n":1}\n\nid: ${ids[1]}\ndata: {"n":2}\n\nid: ${ids[2]}\ndata: three\ndata: lines\ndata: \n\n`,
      );
      const [connection] = app.get(SseConnections).list();
      expect(connection?.events).toBe(3);
      await stream.close();
      await channel.publish({ n: 4 });
      const again = await openStream(app, path, { lastEventId: ids[1] as string });
      expect((await again.collect(2)).map(({ data }) => data)).toEqual(['three\nlines\n', '{"n":4}']);
      await again.close();
      await until(() => channel.size() === 0);
    },
  );

  it.each(['/news', '/seen'])('%s: an ID of another channel is rejected with 400', async (path) => {
    const logger = new RecordingLogger();
    const app = await makeApp(adapter, { controllers: [News], logger });
    const foreign = await app.get(Channels).channel('other').publish(1);
    const stream = await openStream(app, path, { lastEventId: foreign });
    expect([stream.status, await stream.json()]).toEqual([
      400,
      { statusCode: 400, error: 'Bad Request', message: 'The Last-Event-ID does not belong to this stream.' },
    ]);
    expect(logger.errors).toEqual([]);
  });

  it.each(['/news', '/seen'])(
    '%s: a client that can reconnect gets its position before the first event',
    async (path) => {
      const app = await makeApp(adapter, { controllers: [News] });
      const channel = app.get(Channels).channel('news');
      const stream = await openStream(app, path, { headers: { 'cache-control': 'no-cache' } });
      const [, place] =
        /^:\nevent: ~place\nid: (\S+)\ndata: \n\n$/.exec(
          await stream.rawUntil((body) => body.endsWith('\n\n')),
        ) ?? [];
      await stream.close();
      await channel.publish('meanwhile');
      const again = await openStream(app, path, {
        headers: { 'cache-control': 'no-cache' },
        lastEventId: place as string,
      });
      expect((await again.next()).data).toBe('meanwhile');
      await again.close();
      await until(() => channel.size() === 0);
    },
  );

  it('a subscription to the maximum number of channels can resume without further options', async () => {
    const app = await makeApp(adapter, { controllers: [News] });
    const channels = app.get(Channels);
    // Positions in a log that is not new are longer.
    await channels.channel('other').publish(Array.from({ length: 2000 }, () => 0));
    const stream = await openStream(app, '/many');
    for (const name of MANY) await channels.channel(name).publish(name);
    const events = await stream.collect(100);
    expect(events.map(({ data }) => data)).toEqual(MANY);
    await stream.close();
    for (const name of MANY) await channels.channel(name).publish(`more of ${name}`);
    const again = await openStream(app, '/many', { lastEventId: events[49]?.id as string });
    expect(again.status).toBe(200);
    const rest = await again.collect(150);
    expect(rest.map(({ data }) => data)).toEqual([
      ...MANY.slice(50),
      ...MANY.map((name) => `more of ${name}`),
    ]);
    await again.close();
  });

  it.each(['/news', '/seen', '/thrown'])(
    '%s: 503 before the stream while the log is unavailable; the application logs the cause once',
    async (path) => {
      const logger = new RecordingLogger();
      const app = await makeApp(adapter, { controllers: [News], logger });
      await app.get(Channels).log.close();
      const stream = await openStream(app, path);
      expect([stream.status, await stream.json()]).toEqual([
        503,
        {
          statusCode: 503,
          error: 'Service Unavailable',
          message: 'The event log is temporarily unavailable.',
        },
      ]);
      expect(logger.errors).toEqual([
        expect.stringMatching(/^News\.\w+ \(GET \/\w+\): SseError: [^]*code: SSE_LOG_UNAVAILABLE/),
      ]);
    },
  );

  it.each(['/news', '/seen'])(
    '%s: 503 before the stream if the log does not answer within 5 s; a stream that resumes stays open',
    async (path) => {
      const [clock, log] = [new ManualClock(), new DelayedLog(memoryLog(), 1)];
      const app = await makeApp(adapter, { controllers: [News], clock, sse: { log } });
      const id = await app.get(Channels).channel('news').publish('before');
      log.cut();
      const opening = openStream(app, path);
      await until(() => app.get(Channels).channel('news').size() === 1);
      clock.advance(4999);
      const resumed = await openStream(app, path, { lastEventId: id });
      expect(resumed.status).toBe(200);
      clock.advance(1);
      const refused = await opening;
      expect([refused.status, await refused.json()]).toMatchObject([503, { statusCode: 503 }]);
      await app
        .get(Channels)
        .channel('news')
        .publish('lost')
        .catch(() => undefined);
      log.mend();
      await app.get(Channels).channel('news').publish('after');
      expect((await resumed.next()).data).toBe('after');
      await resumed.close();
    },
  );

  it('a hundred subscribers get the same bytes', async () => {
    const app = await makeApp(adapter, { controllers: [News] });
    const channel = app.get(Channels).channel('news');
    const streams = await Promise.all(Array.from({ length: 100 }, () => openStream(app, '/news')));
    await until(() => channel.size() === 100);
    for (let n = 0; n < 50; n++) await channel.publish({ n, text: 'ü'.repeat(n) });
    const last = await channel.publish('last');
    for (const stream of streams)
      await stream.rawUntil((body) => body.endsWith(`id: ${last}\ndata: last\n\n`));
    expect(new Set(streams.map((stream) => stream.raw())).size).toBe(1);
    await Promise.all(streams.map((stream) => stream.close()));
  });
});
