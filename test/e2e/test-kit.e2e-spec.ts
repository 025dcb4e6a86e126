import { Controller, type INestApplication, HttpException } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { NEVER } from 'rxjs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { event, raw, Runs, Sse, SseConnections, SseModule, SseSignal } from 'nestjs-event-stream';
import { defineEvents, text } from 'nestjs-event-stream/events';
import { checkEvents, openStream, SSE_CLOCK, TestClock } from 'nestjs-event-stream/testing';
import { eachAdapter, until, type AdapterName } from './adapters.js';

const events = defineEvents({ progress: z.object({ percent: z.number() }), token: text() });
const KILOBYTE = 'x'.repeat(1000);
/** The ends of handlers, with the code of their signal. */
let left: unknown[] = [];

// oxlint-disable-next-line typescript/no-explicit-any
const unchecked = (value: unknown): any => value;

@Controller()
class KitController {
  @Sse('quiet', {
    heartbeat: { intervalMs: 15_000, event: 'ping' },
    timeout: { afterMs: 60_000, event: 'timeout' },
  })
  quiet() {
    return NEVER;
  }
  @Sse('slow') async *slow() {
    await new Promise(() => undefined);
    yield 1;
  }
  @Sse('after-io', { timeout: { afterMs: 60_000, event: 'timeout' } }) async *afterIo() {
    yield 'started';
    await delay(20);
    yield 'read';
    await new Promise(() => undefined);
  }
  @Sse('flood', { stallMs: 10_000, heartbeat: false })
  async *flood(@SseSignal() signal: AbortSignal) {
    try {
      for (let i = 0; ; i++) yield event({ id: i, data: KILOBYTE });
    } finally {
      left.push((signal.reason as { code: string }).code);
    }
  }
  @Sse('idle', { heartbeat: { intervalMs: 1000, event: 'ping', data: KILOBYTE }, stallMs: 10_000 })
  async *idle(@SseSignal() signal: AbortSignal) {
    yield 'on';
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    left.push((signal.reason as { code: string }).code);
  }
  @Sse('valid/:id', { events }) *valid() {
    yield events.progress({ percent: 1 });
    yield events.token('5');
  }
  @Sse('endless', { events }) async *endless() {
    yield events.progress({ percent: 1 });
    yield events.token('5');
    await new Promise(() => undefined);
  }
  @Sse('invalid', { events }) async *invalid() {
    yield events.token('5');
    yield unchecked(events.progress({ percent: 'many' as never }));
  }
  @Sse('unchecked', { events, validate: false }) *unchecked() {
    yield unchecked(events.progress({ percent: 'many' as never }));
  }
  @Sse('raw', { events }) *raw() {
    yield unchecked(raw('event: other\ndata: 1\n\n'));
  }
  @Sse('refused', { events }) *refused() {
    yield events.token('5');
    throw new HttpException('Enough.', 429);
  }
  @Sse('free') *free() {
    yield 1;
  }
}

eachAdapter((adapter) => {
  let app: INestApplication;
  let clock: TestClock;

  beforeEach(async () => {
    left = [];
    clock = new TestClock();
    app = await make(adapter, clock);
  });
  afterEach(() => app.close());

  describe.each(['without a port', 'on a port'])('a stream %s', (where) => {
    beforeEach(async () => {
      if (where === 'on a port') await app.listen(0, '127.0.0.1');
    });
    afterEach(() => expect(app.getHttpServer().address() !== null).toBe(where === 'on a port'));

    it('is read to its end', async () => {
      const stream = await openStream(app, '/valid/7?a=b c', { events });
      expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
      expect((await stream.next('token')).data).toBe('5');
      expect(await stream.end()).toBe('ended');
      expect(app.get(SseConnections).count()).toBe(0);
    });

    it('ends for its handler when the client leaves', async () => {
      const stream = await openStream(app, '/idle');
      await stream.next();
      await stream.close();
      await until(() => left.length > 0);
      expect(left).toEqual(['SSE_CLIENT_GONE']);
    });

    it('has heartbeats and a timeout in virtual time', async () => {
      const stream = await openStream(app, '/quiet');
      await clock.advance(14_999);
      const ping = stream.next('ping');
      await clock.advance(15_000);
      expect((await ping).type).toBe('ping');
      await clock.advance(60_000);
      expect((await stream.rest()).map(({ type }) => type)).toEqual(['ping', 'ping', 'timeout']);
    });

    it('opens a quiet generator after 250 ms of virtual time', async () => {
      const opening = openStream(app, '/slow');
      await until(() => app.get(SseConnections).count() === 1);
      await clock.advance(260);
      const stream = await opening;
      expect(stream.status).toBe(200);
      await stream.close();
    });

    it('continues other I/O, which takes real time', async () => {
      const stream = await openStream(app, '/after-io');
      expect((await stream.next()).data).toBe('started');
      await clock.advance(30_000);
      expect((await stream.next()).data).toBe('read');
      await clock.advance(31_000);
      expect((await stream.next()).type).toBe('timeout');
    });

    it('of a client that never reads is cut off after "stallMs", and not before', async () => {
      const stream = await openStream(app, '/flood', { stalled: true });
      await waiting(app);
      await clock.advance(9000);
      expect(left).toEqual([]);
      await clock.advance(4000);
      await until(() => left.length > 0);
      expect(left).toEqual(['SSE_STALLED']);
      stream.resume();
      expect(await stream.end()).toBe('cut off');
    });

    it('of a client that stalls and reads on continues', async () => {
      const stream = await openStream(app, '/flood');
      await stream.next();
      stream.stall();
      await waiting(app);
      await clock.advance(9000);
      stream.resume();
      await stream.until(({ id }) => Number(id) > 20_000);
      expect(left).toEqual([]);
      await stream.close();
    });

    it('of a client that has vanished is cut off after "stallMs"', async () => {
      const stream = await openStream(app, '/flood');
      await stream.next();
      stream.vanish();
      expect(await stream.end()).toBe('vanished');
      await waiting(app);
      await clock.advance(13_000);
      await until(() => app.get(SseConnections).count() === 0);
      expect(left).toEqual(['SSE_STALLED']);
      await stream.close();
    });
  });

  it('heartbeats show that the client of an idle stream has vanished', async () => {
    const stream = await openStream(app, '/idle');
    await stream.next();
    stream.vanish();
    await clock.advance(10_000);
    expect(app.get(SseConnections).count()).toBe(1);
    await clock.advance(90_000);
    expect([left, app.get(SseConnections).count()]).toEqual([['SSE_STALLED'], 0]);
  });

  it('a wait for a stalled client says why nothing arrives', async () => {
    const stream = await openStream(app, '/flood', { stalled: true, timeoutMs: 20 });
    await expect(stream.next()).rejects.toThrow('The client does not read: call resume() first.');
    await stream.close();
  });

  it('an answer without a head fails in time', async () => {
    const opening = openStream(app, '/slow', { timeoutMs: 20 });
    await expect(opening).rejects.toThrow(/^GET \/slow: No head arrived for \d+ ms\./);
    await expect(opening).rejects.toMatchObject({ code: 'SSE_TEST_TIMEOUT' });
  });

  it('a client that vanishes does not delay the end of the application', async () => {
    const stream = await openStream(app, '/flood');
    await stream.next();
    stream.vanish();
    await app.close();
    expect(left).toEqual(['SSE_SHUTDOWN']);
  });

  it('a run without viewers ends after "orphanMs" of virtual time', async () => {
    const runs = app.get(Runs);
    await runs.start('r', () => NEVER, { orphanMs: 30_000 });
    await clock.advance(29_000);
    expect(await runs.status('r')).toBe('running');
    await clock.advance(3000);
    expect(await runs.status('r')).toBe('stopped');
  });

  describe('checkEvents()', () => {
    it('returns the events of a stream, with their data parsed', async () => {
      const checked = await checkEvents(app, '/valid/7?a=b c');
      expect(checked.map(({ type, data }) => [type, data])).toEqual([
        ['progress', { percent: 1 }],
        ['token', '5'],
      ]);
    });

    it('works at the same time for several routes, and on a port', async () => {
      await app.listen(0, '127.0.0.1');
      const checked = await Promise.all(['/valid/1', '/valid/2'].map((path) => checkEvents(app, path)));
      expect(checked.map(({ length }) => length)).toEqual([2, 2]);
    });

    it('reads a stream without an end up to an event', async () => {
      expect(await checkEvents(app, '/endless', { until: 'progress' })).toHaveLength(1);
      expect(app.get(SseConnections).count()).toBe(0);
      await expect(checkEvents(app, '/endless', { timeoutMs: 20 })).rejects.toThrow(
        'waited for an event, or the end of the stream. Nothing arrived for 20 ms.',
      );
      await expect(checkEvents(app, '/valid/7', { until: 'progres' })).rejects.toThrow(
        'The stream ended before.',
      );
    });

    it.each([
      [
        '/invalid',
        'GET /invalid has sent the error event {"statusCode":500,"error":"Internal Server Error","message":"Internal server error"}.',
      ],
      ['/unchecked', 'The data of the event "progress" breaks its contract. data.percent: '],
      ['/raw', 'The contract has no event "other".'],
      [
        '/refused',
        'GET /refused has sent the error event {"statusCode":429,"error":"Too Many Requests","message":"Enough."}.',
      ],
    ])('fails for %s', async (path, message) => {
      const checked = checkEvents(app, path);
      await expect(checked).rejects.toThrow(message);
      await expect(checked).rejects.toMatchObject({ code: 'SSE_INVALID_EVENT' });
    });

    it.each([
      ['/free', 200],
      ['/missing', 404],
    ])('fails for %s, which has no contract', async (path, status) => {
      await expect(checkEvents(app, path)).rejects.toThrow(
        `checkEvents(): No route with a contract has answered GET ${path} (status ${status}).`,
      );
      await until(() => app.get(SseConnections).count() === 0);
    });
  });
});

/** Resolves when the only stream of an application waits for its client. */
async function waiting(app: INestApplication): Promise<void> {
  const [connection] = app.get(SseConnections).list();
  let bytes = -1;
  // Every turn writes, unless the client does not take more.
  while (connection && bytes !== connection.bytes) {
    bytes = connection.bytes;
    await delay(20);
  }
}

async function make(adapter: AdapterName, clock: TestClock): Promise<INestApplication> {
  const module = await Test.createTestingModule({
    imports: [SseModule.forRoot({ shutdownMs: 200 })],
    controllers: [KitController],
  })
    .overrideProvider(SSE_CLOCK)
    .useValue(clock)
    .compile();
  const platform = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  return module.createNestApplication(platform as never, { logger: false });
}
