import {
  Controller,
  Get,
  Injectable,
  Param,
  UseGuards,
  type CanActivate,
  type INestApplication,
  type PipeTransform,
} from '@nestjs/common';
import { Observable, Subject } from 'rxjs';
import { Sse, SseConnections, SseSignal, type SseModuleOptions } from 'nestjs-event-stream';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';

const SHUTDOWN_MS = 700;
const BIG = 'x'.repeat(100_000);

let reached: string[] = [];
let gates: (() => void)[] = [];
const gate = (): Promise<void> => new Promise((resolve) => gates.push(resolve));
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** Places that an external store grants. */
const LATER_SLOTS: SseModuleOptions = {
  limit: { key: 'route', max: 10 },
  slots: { acquire: async () => ({ slot: { release: () => undefined } }) },
};

@Injectable()
class SlowGuard implements CanActivate {
  async canActivate(): Promise<boolean> {
    reached.push('guard');
    await gate();
    return true;
  }
}

class SlowPipe implements PipeTransform {
  async transform(value: unknown): Promise<unknown> {
    reached.push('pipe');
    await gate();
    if (value === 'fails') throw new Error('too late');
    return value;
  }
}

@Controller()
class ShutdownController {
  @Sse('polite')
  async *polite(@SseSignal() signal: AbortSignal) {
    yield 'hello';
    await aborted(signal);
    yield { type: 'bye', data: (signal.reason as { code: string }).code };
  }
  @Sse('finally')
  async *finally(@SseSignal() signal: AbortSignal) {
    try {
      yield 'hello';
      await aborted(signal);
      signal.throwIfAborted();
    } finally {
      yield { type: 'bye', data: 'finally' };
    }
  }
  @Sse('observable')
  observable(@SseSignal() signal: AbortSignal) {
    return new Observable<unknown>((subscriber) => {
      subscriber.next('hello');
      signal.addEventListener('abort', () => {
        subscriber.next({ type: 'bye', data: 'observable' });
        subscriber.complete();
      });
    });
  }
  @Sse('plain')
  plain() {
    return new Subject();
  }
  @Sse('deaf')
  async *deaf(@SseSignal() _signal: AbortSignal) {
    yield 'hello';
    await new Promise(() => undefined);
  }
  @Sse('busy')
  async *busy(@SseSignal() _signal: AbortSignal) {
    for (let i = 0; ; i++) {
      yield i;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  @Sse('flood')
  async *flood() {
    for (;;) yield BIG;
  }
  @Sse('set-up')
  async setUp(@SseSignal() _signal: AbortSignal) {
    reached.push('set-up');
    await gate();
    return [1];
  }
  @Sse('early', { openAfterMs: 60_000 })
  async *early() {
    reached.push('early');
    await gate();
    yield 'too late';
  }
  @UseGuards(SlowGuard)
  @Sse('guarded')
  async *guarded() {
    yield 'never';
  }
  @Sse('piped/:id')
  async *piped(@Param('id', SlowPipe) id: string) {
    reached.push('piped');
    yield id;
  }
  @Get('ordinary')
  async ordinary() {
    reached.push('ordinary');
    await gate();
    return { ok: true };
  }
}

eachAdapter((adapter) => {
  let app: INestApplication;
  let logger: RecordingLogger;
  beforeEach(async () => {
    reached = [];
    gates = [];
    logger = new RecordingLogger();
    app = await make();
  });
  afterEach(async () => {
    for (const open of gates) open();
    await closeApps();
  });

  const make = (
    sse: SseModuleOptions = {},
    setUp?: (app: INestApplication) => void,
  ): Promise<INestApplication> =>
    makeApp(adapter, {
      controllers: [ShutdownController],
      sse: { shutdownMs: SHUTDOWN_MS, ...sse },
      logger,
      ...(setUp && { setUp }),
    });

  async function opened(path: string, of = app): Promise<TestStream> {
    const stream = await openStream(of, path);
    await stream.next();
    return stream;
  }
  /**
   * Whether something is over within a time. The timer is this process's own, like those of the shutdown, so that it is late
   * when those are; what is left then is work, and is counted in turns.
   */
  async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
    let over = false;
    const done = work.then(() => (over = true));
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([done, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
    // A timer that remains keeps the process of the tests alive.
    clearTimeout(timer);
    for (let turns = 0; turns < 500 && !over; turns++) await new Promise((resolve) => setImmediate(resolve));
    return over;
  }

  it('500 streams, a stalled client and a handler that ignores its signal are over within shutdownMs', async () => {
    app = await make({ shutdownMs: 2000 });
    const streams = await Promise.all(Array.from({ length: 500 }, () => opened('/polite')));
    const stalled = await RawClient.get(app, '/flood');
    stalled.stall();
    const deaf = await opened('/deaf');
    const busy = await opened('/busy');
    const connections = app.get(SseConnections);
    await until(() => (connections.list()[500]?.queuedBytes ?? 0) > 100_000);

    expect(await within(2000, app.close())).toBe(true);

    const retries: number[] = [];
    for (const stream of streams) {
      expect(await stream.end()).toBe('ended');
      const [, retry] =
        /^:\ndata: hello\n\nretry: (\d+)\n\nevent: bye\ndata: SSE_SHUTDOWN\n\n$/.exec(stream.raw()) ?? [];
      retries.push(Number(retry));
    }
    // Each its own moment, from one second to five.
    expect(Math.min(...retries)).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...retries)).toBeLessThanOrEqual(5000);
    expect(new Set(retries).size).toBeGreaterThan(300);
    expect([await deaf.end(), await busy.end()]).toEqual(['ended', 'ended']);
    expect(connections.count()).toBe(0);
    expect(connections.timers.size).toBe(0);
    stalled.leave();
  });

  describe('a stream that is open at the shutdown', () => {
    it.each([
      ['/finally', 'finally'],
      ['/observable', 'observable'],
    ])('of %s can send last words', async (path, word) => {
      const stream = await opened(path);
      await app.close();
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toMatch(
        new RegExp(`^:\\ndata: hello\\n\\nretry: \\d+\\n\\nevent: bye\\ndata: ${word}\\n\\n$`),
      );
      expect(logger.errors).toEqual([]);
    });

    it('ends at once if its handler does not listen', async () => {
      const stream = await openStream(app, '/plain');
      expect(await within(SHUTDOWN_MS * 0.7, app.close())).toBe(true);
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toMatch(/^:\nretry: \d+\n\n$/);
    });

    it('is not told to stay away, because it should reconnect', async () => {
      const stream = await openStream(app, '/polite', { headers: { 'cache-control': 'no-cache' } });
      await stream.next();
      await app.close();
      await stream.end();
      expect(stream.raw()).not.toContain('~end');
    });

    it('gets no retry if that is disabled', async () => {
      const other = await make({ shutdownRetryMs: false });
      const stream = await opened('/polite', other);
      await other.close();
      await stream.end();
      expect(stream.raw()).toBe(':\ndata: hello\n\nevent: bye\ndata: SSE_SHUTDOWN\n\n');
    });

    it('is cut off at once without a time', async () => {
      const other = await make({ shutdownMs: 0 });
      const stalled = await RawClient.get(other, '/flood');
      stalled.stall();
      await until(() => (other.get(SseConnections).list()[0]?.queuedBytes ?? 0) > 100_000);
      const deaf = await opened('/deaf', other);
      await other.close();
      await deaf.end();
      stalled.resume();
      await stalled.isClosed();
    });
  });

  describe('a new client during the shutdown', () => {
    it('gets 503, and its connection is closed', async () => {
      await opened('/deaf');
      const client = await RawClient.connect(app);
      const closing = app.close();
      client.send('GET /polite HTTP/1.1\r\nHost: x\r\n\r\n');
      await client.isClosed();
      expect(client.received).toMatch(/^HTTP\/1\.1 503 /);
      expect(client.received).toMatch(/^connection: close$/im);
      expect(JSON.parse(client.body)).toEqual({
        statusCode: 503,
        message: 'The application is shutting down.',
        error: 'Service Unavailable',
      });
      await closing;
    });

    it.each([
      ['that waits in a guard', '/guarded', 'guard'],
      ['whose method makes its source', '/set-up', 'set-up'],
      ['whose generator has given nothing yet', '/early', 'early'],
    ])('%s gets 503, too', async (_what, path, where) => {
      await opened('/deaf');
      const opening = openStream(app, path);
      await until(() => reached.includes(where));
      const closing = app.close();
      await new Promise(setImmediate);
      if (where === 'guard') for (const open of gates.splice(0)) open();
      const stream = await opening;
      expect(stream.status).toBe(503);
      expect(await stream.json()).toMatchObject({ message: 'The application is shutting down.' });
      await closing;
    });

    eachWay((setUp) =>
      it.each([
        ['settles', {}],
        ['fails', {}],
        ['settles, and whose place was not given at once', LATER_SLOTS],
      ])('whose pipe waits gets 503 before that %s', async (how, sse) => {
        const other = await make(sse, setUp);
        const opening = openStream(other, `/piped/${encodeURIComponent(how)}`);
        await until(() => reached.includes('pipe'));
        const closing = other.close();
        const stream = await opening;
        expect(stream.status).toBe(503);
        expect(await stream.json()).toEqual({
          statusCode: 503,
          message: 'The application is shutting down.',
          error: 'Service Unavailable',
        });
        await closing;
        for (const open of gates.splice(0)) open();
        await new Promise(setImmediate);
        expect(reached).toEqual(['pipe']);
      }),
    );
  });

  describe('the server is closed without delay', () => {
    it.each<[string, (client: RawClient) => Promise<void>]>([
      ['for a connection that was made and never used', async () => undefined],
      [
        'for a connection whose stream has ended',
        async (client) => {
          client.send('GET /polite HTTP/1.1\r\nHost: x\r\n\r\n');
          await client.receives('hello');
        },
      ],
      [
        'for a request whose body never comes',
        async (client) => {
          client.send('GET /polite HTTP/1.1\r\nHost: x\r\nContent-Type: text/x\r\nContent-Length: 9\r\n\r\n');
          if (adapter === 'express') await client.receives('hello');
          else client.leave();
        },
      ],
    ])('%s', async (_what, use) => {
      const client = await RawClient.connect(app);
      await use(client);
      expect(await within(1000, app.close())).toBe(true);
      client.leave();
    });

    it('for a connection that becomes idle after the closing has begun', async () => {
      const client = await RawClient.connect(app, 'GET /ordinary HTTP/1.1\r\nHost: x\r\n\r\n');
      await until(() => reached.includes('ordinary'));
      const closing = app.close();
      await until(() => !app.getHttpServer().listening);
      for (const open of gates.splice(0)) open();
      expect(await within(1000, closing)).toBe(true);
      await client.receives('{"ok":true}');
    });
  });

  it('another application of the process is not affected', async () => {
    const other = await make();
    const [here, there] = [await opened('/polite'), await opened('/busy', other)];
    await app.close();
    expect(await here.end()).toBe('ended');
    await there.next();
    expect(other.get(SseConnections).count()).toBe(1);
    const another = await opened('/polite', other);
    await another.close();
    await there.close();
    await until(() => other.get(SseConnections).count() === 0);
  });

  it('a closed application has no timers, and can be closed again', async () => {
    const connections = app.get(SseConnections);
    await opened('/polite');
    await app.close();
    expect(connections.timers.size).toBe(0);
    await app.close();
  });
});
