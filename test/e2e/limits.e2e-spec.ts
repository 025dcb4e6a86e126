import { Controller, type ExecutionContext, type INestApplication } from '@nestjs/common';
import { concat, NEVER, of } from 'rxjs';
import {
  retryAfter,
  Sse,
  SseConnections,
  SseDefaults,
  SseSignal,
  type LimitOptions,
} from 'nestjs-event-stream';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

const user = (context: ExecutionContext): string | undefined =>
  context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-user'];

async function* open() {
  yield 'open';
  await new Promise(() => undefined);
}

const limit = (options: Partial<LimitOptions>): { limit: LimitOptions } => ({
  limit: { key: 'route', max: 2, ...options },
});

@Controller()
class Limited {
  @Sse('route', limit({}))
  route() {
    return open();
  }
  @Sse('other', limit({}))
  other() {
    return open();
  }
  @Sse('ip', limit({ key: 'ip', max: 1 }))
  ip() {
    return open();
  }
  @Sse('user', limit({ key: user }))
  user() {
    return open();
  }
  @Sse('exclusive', { exclusive: user })
  exclusive() {
    return open();
  }
  @Sse('conflict', { exclusive: { key: user, status: 409 } })
  conflict() {
    return open();
  }
  @Sse('retry', limit({ max: 1, status: 'retry', retryMs: 7000 }))
  retry() {
    return open();
  }
  @Sse('retry-soon', limit({ max: 1, status: 'retry', retryMs: 10 }))
  retrySoon() {
    return open();
  }
  @Sse('replace', limit({ status: 'replace' }))
  replace() {
    return concat(of(retryAfter(10)), NEVER);
  }
  @Sse('soon', limit({ max: 1, retryMs: 1200 }))
  async *soon(@SseSignal() signal: AbortSignal) {
    yield 'open';
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }
  @Sse('both', {
    limit: [
      { key: user, max: 2 },
      { key: 'route', max: 3 },
    ],
  })
  both() {
    return open();
  }
}

@SseDefaults({ limit: { key: 'route', max: 1 } })
@Controller('defaults')
class ByDefault {
  @Sse('a')
  a() {
    return open();
  }
  @Sse('b')
  b() {
    return open();
  }
  @Sse('c', limit({ max: 2 }))
  c() {
    return open();
  }
}

const TOO_MANY = {
  statusCode: 429,
  error: 'Too Many Requests',
  message: 'Too many open streams: the limit is 2.',
};

eachAdapter((adapter) => {
  let app: INestApplication;
  const streams: TestStream[] = [];

  async function make(sse = {}): Promise<void> {
    app = await makeApp(adapter, { controllers: [Limited, ByDefault], sse });
  }
  /** Opens a stream, and waits for its first event if there is one. */
  async function opened(path: string, headers: Record<string, string> = {}): Promise<TestStream> {
    const stream = await openStream(app, path, { headers });
    streams.push(stream);
    return stream;
  }
  const statusOf = async (path: string, headers = {}): Promise<number> =>
    (await opened(path, headers)).status;

  afterEach(async () => {
    closeStockClients();
    for (const stream of streams.splice(0)) await stream.close();
    await closeApps();
  });

  describe('a limit', () => {
    it('of a route counts the connections of that route', async () => {
      await make();
      expect([await statusOf('/route'), await statusOf('/route')]).toEqual([200, 200]);
      const third = await opened('/route');
      expect(third.status).toBe(429);
      expect(third.headers['retry-after']).toBe('5');
      expect(await third.json()).toEqual(TOO_MANY);
      expect(await statusOf('/other')).toBe(200);
    });

    it('of an address counts its connections', async () => {
      await make();
      expect(await statusOf('/ip')).toBe(200);
      expect(await statusOf('/ip')).toBe(429);
    });

    it('of a function counts by the key that it returns for the request, and does not count without a key', async () => {
      await make();
      for (const status of [200, 200, 429]) expect(await statusOf('/user', { 'x-user': 'ada' })).toBe(status);
      for (const status of [200, 200, 200]) expect(await statusOf('/user')).toBe(status);
      expect(await statusOf('/user', { 'x-user': 'bob' })).toBe(200);
    });

    it('of the process counts all, and answers 503', async () => {
      await make({ limit: { key: 'process', max: 3 } });
      for (const path of ['/route', '/other', '/user']) expect(await statusOf(path)).toBe(200);
      const fourth = await opened('/other');
      expect(fourth.status).toBe(503);
      expect(fourth.headers['retry-after']).toBe('5');
    });

    it('of the module counts a user over all routes', async () => {
      await make({ limit: { key: user, max: 2 } });
      const ada = { 'x-user': 'ada' };
      expect(await statusOf('/defaults/a', ada)).toBe(200);
      expect(await statusOf('/defaults/b', ada)).toBe(200);
      expect(await statusOf('/defaults/c', ada)).toBe(429);
      expect(await statusOf('/defaults/c', { 'x-user': 'bob' })).toBe(200);
    });

    it('of a controller counts each of its routes, unless the route has its own', async () => {
      await make();
      expect([await statusOf('/defaults/a'), await statusOf('/defaults/a')]).toEqual([200, 429]);
      expect([await statusOf('/defaults/b'), await statusOf('/defaults/b')]).toEqual([200, 429]);
      expect([await statusOf('/defaults/c'), await statusOf('/defaults/c')]).toEqual([200, 200]);
    });

    it('among several takes no place of the others if it is the one that is reached', async () => {
      await make();
      for (const name of ['ada', 'ada', 'bob']) expect(await statusOf('/both', { 'x-user': name })).toBe(200);
      expect(await statusOf('/both', { 'x-user': 'bob' })).toBe(429);
      await streams.shift()?.close();
      await until(() => app.get(SseConnections).count() === 3 - 1);
      expect(await statusOf('/both', { 'x-user': 'bob' })).toBe(200);
    });

    it('of one has the name "exclusive"', async () => {
      await make();
      const ada = { 'x-user': 'ada' };
      expect(await statusOf('/exclusive', ada)).toBe(200);
      const second = await opened('/exclusive', ada);
      expect(second.status).toBe(429);
      expect(await second.json()).toMatchObject({ message: 'This stream is already open.' });
      expect(await statusOf('/exclusive', { 'x-user': 'bob' })).toBe(200);
      expect(await statusOf('/conflict', ada)).toBe(200);
      expect(await statusOf('/conflict', ada)).toBe(409);
    });
  });

  describe('one connection too many', () => {
    it('gets a Retry-After in whole seconds, rounded up', async () => {
      await make();
      expect(await statusOf('/soon')).toBe(200);
      expect((await opened('/soon')).headers['retry-after']).toBe('2');
    });

    it('gets "retry" with an error, and an EventSource reconnects until there is room', async () => {
      await make();
      const first = await opened('/retry-soon');
      await first.next();
      const client = followWithStockClient(`${await app.getUrl()}/retry-soon`);
      await until(() => client.statuses.length > 3);
      expect(client.events).toEqual([]);
      await first.close();
      await until(() => client.events.length === 1);
      expect(new Set(client.statuses)).toEqual(new Set([undefined]));
    });

    it('gets "retry" in a stream that ends, and an EventSource reconnects', async () => {
      await make();
      expect(await statusOf('/retry')).toBe(200);
      const second = await opened('/retry');
      expect(second.status).toBe(200);
      expect(second.headers['content-type']).toBe('text/event-stream');
      expect(await second.end()).toBe('ended');
      expect(second.raw()).toBe(':\nretry: 7000\n\n');
    });

    it('is admitted with "replace"; the oldest connection ends and tells its EventSource to stay away', async () => {
      await make();
      const url = await app.getUrl();
      const first = followWithStockClient(`${url}/replace`);
      await until(() => app.get(SseConnections).count() === 1);
      const second = await opened('/replace');
      const third = await opened('/replace');
      expect([second.status, third.status]).toEqual([200, 200]);
      await first.closed();
      expect(first.statuses).toEqual([undefined, 204]);
      expect(app.get(SseConnections).count()).toBe(2);
      await opened('/replace');
      expect(await second.end()).toBe('ended');
      expect(second.raw()).toBe(':\nretry: 10\n\n');
    });
  });

  it('the place of a client that has left is free again', async () => {
    await make();
    for (let i = 0; i < 20; i++) {
      const stream = await opened('/ip');
      expect(stream.status).toBe(200);
      await stream.close();
      await until(() => app.get(SseConnections).count() === 0);
    }
  });
});
