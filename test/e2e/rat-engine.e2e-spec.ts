import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { SseConnections } from 'nestjs-event-stream';
import { openStream, type TestEvent } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { ask } from './ask.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

// Read with the classes: slow enough that five minutes last longer than a test.
process.env['DEMO_SPEED'] = '100';
const { RatEngineModule } = await import('../../demo/rat-engine/rat-engine.module.js');
const { LogFiles } = await import('../../demo/rat-engine/log-files.service.js');
const { LogTail } = await import('../../demo/rat-engine/log-tail.service.js');

const SECONDS = expect.any(Number) as number;
const data = (event: TestEvent): Record<string, unknown> => event.json();
function baseUrl(app: INestApplication): string {
  return `http://127.0.0.1:${(app.getHttpServer() as { address(): AddressInfo }).address().port}`;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('RAT Engine', () => {
  eachAdapter((adapter) => {
    const demo = () => makeApp(adapter, { imports: [RatEngineModule] });
    afterEach(closeStockClients);
    afterEach(closeApps);

    it('counts to ten, once a second, and ends', async () => {
      const stream = await openStream(await demo(), '/api/events');
      expect(stream.status).toBe(200);
      expect(stream.headers['content-type']).toBe('text/event-stream');
      const events = await stream.rest();
      expect(events.map(data)).toEqual(
        Array.from({ length: 10 }, (_, value) => ({ type: 'counter', value, timestamp: SECONDS })),
      );
      expect(stream.raw()).toMatch(/^:\n(data: \{"type":"counter","value":\d,"timestamp":[\d.]+\}\n\n){10}$/);
      const times = events.map((event) => Number(data(event)['timestamp']));
      expect(Math.abs(Date.now() / 1000 - Number(times[9]))).toBeLessThan(5);
      expect(Number(times[9]) - Number(times[0])).toBeGreaterThan(0.08);
    });

    it('ends a stock client when the stream has ended', async () => {
      const client = followWithStockClient(`${baseUrl(await demo())}/api/events`);
      await client.closed();
      expect(client.events.map(({ data }) => (JSON.parse(data) as { value: number }).value)).toEqual([
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
      ]);
      expect(client.statuses).toEqual([undefined, 204]);
    }, 10_000);

    it('passes formatted text through byte for byte', async () => {
      const stream = await openStream(await demo(), '/api/custom');
      await stream.end();
      expect(stream.raw()).toBe(
        ':\ndata: {"type": "custom"}\n\nevent: notification\ndata: {"alert": "New message"}\n\n',
      );
    });

    it('closes a stream of a hundred steps in its finally', async () => {
      const events = (await (await openStream(await demo(), '/api/safe-stream')).rest()).map(data);
      expect(events).toHaveLength(101);
      expect(events.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, progress) => ({ progress })));
      expect(events[100]).toEqual({ type: 'closed' });
    });

    it('reports an error midway, and closes in its finally, too', async () => {
      const app = await demo();
      const stream = await openStream(app, '/api/safe-stream?failAt=2');
      await stream.end();
      expect(stream.raw()).toBe(
        ':\ndata: {"progress":0}\n\ndata: {"progress":1}\n\n' +
          'data: {"type":"error","message":"Failed at step 2, as requested."}\n\ndata: {"type":"closed"}\n\n',
      );
      const first = await openStream(app, '/api/safe-stream?failAt=0');
      expect((await first.rest()).map((event) => data(event)['type'])).toEqual(['error', 'closed']);
    });

    it('ends after the given number of seconds, with a last event', async () => {
      const stream = await openStream(await demo(), '/api/timeout-stream?seconds=3');
      const events = (await stream.rest()).map(data);
      expect(events.at(-1)).toEqual({ type: 'timeout', message: 'The time of this stream is up.' });
      expect(events.slice(0, -1)).toEqual([1, 2, 3].map(() => ({ timestamp: SECONDS })));
    });

    it('sends only heartbeats while it has no data', async () => {
      const app = await demo();
      const stream = await openStream(app, '/api/heartbeat-stream');
      const opened = performance.now();
      const beats = await stream.collect(2);
      expect(performance.now() - opened).toBeGreaterThan(450);
      expect(beats.map(data)).toEqual([1, 2].map(() => ({ type: 'heartbeat', timestamp: SECONDS })));
      expect(stream.raw()).toMatch(/^:\n(data: \{"type":"heartbeat","timestamp":[\d.]+\}\n\n){2}$/);
      await stream.close();
      await until(() => app.get(SseConnections).count() === 0);
    });

    it('answers pings while it streams a thousand events', async () => {
      const app = await demo();
      const stream = await openStream(app, '/api/non-blocking');
      await stream.next();
      for (let ping = 0; ping < 20; ping++) {
        expect(await ask(app, 'GET', '/api/ping')).toEqual({
          status: 200,
          body: { type: 'pong', timestamp: SECONDS },
        });
      }
      expect(app.get(SseConnections).count()).toBe(1);
      const events = await stream.rest();
      expect(events).toHaveLength(999);
      expect(data(events[998] as TestEvent)).toEqual({ type: 'cached', index: 999, value: 'entry 999' });
    });

    it('streams a generated data set, all of it', async () => {
      const events = (await (await openStream(await demo(), '/api/memory-efficient?rows=2550')).rest()).map(
        (event) => event.json<{ type: string; offset: number; rows: { id: number }[] }>(),
      );
      expect(events).toHaveLength(26);
      expect(events.flatMap(({ rows }) => rows.map(({ id }) => id))).toEqual(
        Array.from({ length: 2550 }, (_, id) => id),
      );
    });

    it('computes no more of a data set than its client reads, and answers others meanwhile', async () => {
      const app = await demo();
      const socket = connect(Number(new URL(baseUrl(app)).port), '127.0.0.1');
      socket.pause();
      socket.write('GET /api/memory-efficient?rows=10000000 HTTP/1.1\r\nHost: x\r\n\r\n');
      const connections = app.get(SseConnections);
      const sent = () => connections.list()[0]?.bytes ?? 0;
      let before = -1;
      await until(() => {
        const still = sent() === before && before > 0;
        before = sent();
        return still;
      });
      expect((await ask(app, 'GET', '/api/ping')).status).toBe(200);
      expect(sent()).toBe(before);
      expect(sent()).toBeLessThan(20_000_000);
      socket.destroy();
      await until(() => connections.count() === 0);
    });

    it('shows a request without its credentials', async () => {
      const stream = await openStream(await demo(), '/api/debug-stream?token=abc', {
        headers: { authorization: 'Bearer abc', cookie: 'session=abc', 'x-api-key': 'abc', 'x-trace': '7' },
      });
      const events = (await stream.rest()).map(data);
      expect(events[0]).toMatchObject({
        type: 'debug',
        request_info: {
          method: 'GET',
          path: '/api/debug-stream',
          headers: { authorization: '***', cookie: '***', 'x-api-key': '***', 'x-trace': '7' },
        },
      });
      expect(events.slice(1)).toEqual(Array.from({ length: 10 }, (_, value) => ({ data: value })));
      expect(stream.raw()).not.toContain('abc');
    });

    it.each([
      '/api/safe-stream?failAt=100',
      '/api/safe-stream?failAt=-1',
      '/api/safe-stream?failAt=x',
      '/api/timeout-stream?seconds=0',
      '/api/timeout-stream?seconds=3601',
      '/api/timeout-stream?seconds=1.5',
      '/api/timeout-stream?seconds=',
      '/api/timeout-stream?seconds=1&seconds=2',
      '/api/memory-efficient?rows=0',
      '/api/memory-efficient?rows=10000001',
      '/api/memory-efficient?rows=many',
      '/api/progress/a%20b',
      '/api/progress/..%2fx',
    ])('answers %s with 400 and JSON', async (path) => {
      const { status, body } = await ask(await demo(), 'GET', path);
      expect(status).toBe(400);
      expect(body).toMatchObject({ statusCode: 400, error: 'Bad Request' });
    });

    describe('logs', () => {
      it('are followed line by line, by a process that ends with its client', async () => {
        const app = await demo();
        const stream = await openStream(app, '/api/logs/worker');
        expect(data(await stream.next())).toEqual({
          type: 'connected',
          service: 'worker',
          timestamp: SECONDS,
        });
        const [pid] = app.get(LogTail).pids as [number];
        expect(runs(pid)).toBe(true);
        await app.get(LogFiles).append('worker', 'a line of the test', 'and "another"');
        for (const message of ['a line of the test', 'and "another"']) {
          const line = await stream.until((event) => data(event)['message'] === message);
          expect(data(line)).toEqual({ type: 'log', service: 'worker', message, timestamp: SECONDS });
        }
        await stream.close();
        await until(() => !runs(pid));
        expect(app.get(LogTail).pids).toEqual([]);
      });

      it('grow by themselves', async () => {
        const stream = await openStream(await demo(), '/api/logs/api');
        const lines = (await stream.collect(4)).slice(1).map(data);
        for (const line of lines) {
          expect(line).toMatchObject({ type: 'log', service: 'api' });
          expect(line['message']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ .+ #\d+$/);
        }
        await stream.close();
      });

      it('have a process for each client', async () => {
        const app = await demo();
        const streams = await Promise.all([1, 2, 3].map(() => openStream(app, '/api/logs/api')));
        for (const stream of streams) await stream.next();
        expect(new Set(app.get(LogTail).pids).size).toBe(3);
        await Promise.all(streams.map((stream) => stream.close()));
        await until(() => app.get(LogTail).pids.length === 0);
      });

      it('are followed by at most twenty at a time', async () => {
        const app = await demo();
        const streams = await Promise.all(Array.from({ length: 20 }, () => openStream(app, '/api/logs/api')));
        expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200));
        expect(await ask(app, 'GET', '/api/logs/api')).toMatchObject({
          status: 429,
          body: { statusCode: 429 },
        });
        await Promise.all(streams.map((stream) => stream.close()));
        await until(() => app.get(SseConnections).count() === 0 && app.get(LogTail).pids.length === 0);
        const next = await openStream(app, '/api/logs/api');
        expect(next.status).toBe(200);
        await next.close();
      });

      it('report that they can no longer be followed', async () => {
        const app = await demo();
        const stream = await openStream(app, '/api/logs/scheduler');
        await stream.next();
        process.kill((app.get(LogTail).pids as [number])[0]);
        const events = await stream.rest();
        expect(data(events.at(-1) as TestEvent)).toEqual({
          type: 'error',
          message: 'The log can no longer be followed.',
        });
      });

      it('leave no process behind when the application closes', async () => {
        const app = await demo();
        const stream = await openStream(app, '/api/logs/api');
        await stream.next();
        const [pid] = app.get(LogTail).pids as [number];
        await closeApps();
        await until(() => !runs(pid));
        await stream.end();
      });

      it.each(['nosuch', '..%2fapi', '%2e%2e', 'api.log', '%2fetc%2fpasswd', 'API', 'constructor', 'api%00'])(
        'do not exist for %s',
        async (service) => {
          const app = await demo();
          const { status, body } = await ask(app, 'GET', `/api/logs/${service}`);
          expect(status).toBe(404);
          expect(body).toMatchObject({ statusCode: 404, error: 'Not Found' });
          expect(app.get(LogTail).pids).toEqual([]);
        },
      );
    });
  });
});
