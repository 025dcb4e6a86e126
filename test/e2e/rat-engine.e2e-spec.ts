import { existsSync, readdirSync } from 'node:fs';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { SseConnections } from 'nestjs-event-stream';
import { openStream, type TestEvent } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until, type AdapterName } from './adapters.js';
import { ask } from './ask.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

// Read with the classes: slow enough for five minutes to outlast a test.
process.env['DEMO_SPEED'] = '100';
const { RatEngineModule } = await import('../../demo/rat-engine/rat-engine.module.js');
const { acceptMultipart } = await import('../../demo/rat-engine/accept-multipart.js');
const { LogFiles } = await import('../../demo/rat-engine/log-files.service.js');
const { LogTail } = await import('../../demo/rat-engine/log-tail.service.js');
const { Uploads } = await import('../../demo/rat-engine/uploads.service.js');

const SECONDS = expect.any(Number) as number;
const data = (event: TestEvent): Record<string, unknown> => event.json();
const BOUNDARY = 'boundary-of-the-test';

function fileHead(filename: string): string {
  return (
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\n` +
    'Content-Type: application/octet-stream\r\n\r\n'
  );
}
const FILE_END = `\r\n--${BOUNDARY}--\r\n`;

/** An upload that goes on as the test says. */
class SlowUpload {
  readonly #request: ClientRequest;
  readonly #response: Promise<IncomingMessage>;

  constructor(app: INestApplication, session: string, filename: string, length: number) {
    const total = fileHead(filename).length + length + FILE_END.length;
    this.#request = request(`${baseUrl(app)}/api/upload/${session}`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'content-length': total },
    });
    this.#response = new Promise((resolve, reject) =>
      this.#request.once('response', resolve).once('error', reject),
    );
    this.#response.catch(() => undefined);
    this.#request.write(fileHead(filename));
  }

  send(content: Buffer | string): void {
    this.#request.write(content);
  }

  async finish(): Promise<{ status: number; body: Record<string, unknown> }> {
    this.#request.end(FILE_END);
    const response = await this.#response;
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    return { status: response.statusCode ?? 0, body };
  }

  abort(): void {
    this.#request.destroy();
  }
}

function baseUrl(app: INestApplication): string {
  return `http://127.0.0.1:${(app.getHttpServer() as { address(): AddressInfo }).address().port}`;
}

async function upload(app: INestApplication, session: string, filename: string, content: Buffer | string) {
  const slow = new SlowUpload(app, session, filename, Buffer.byteLength(content));
  slow.send(content);
  return slow.finish();
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
    const demo = () => ratEngine(adapter);
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

    it('lets a stock client go when the stream has ended', async () => {
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

    it('closes a stream of a hundred steps from its finally', async () => {
      const events = (await (await openStream(await demo(), '/api/safe-stream')).rest()).map(data);
      expect(events).toHaveLength(101);
      expect(events.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, progress) => ({ progress })));
      expect(events[100]).toEqual({ type: 'closed' });
    });

    it('tells of an error midway, and closes from its finally then, too', async () => {
      const app = await demo();
      const stream = await openStream(app, '/api/safe-stream?failAt=2');
      await stream.end();
      expect(stream.raw()).toBe(
        ':\ndata: {"progress":0}\n\ndata: {"progress":1}\n\n' +
          'data: {"type":"error","message":"Failed at 2, as it was asked to."}\n\ndata: {"type":"closed"}\n\n',
      );
      const first = await openStream(app, '/api/safe-stream?failAt=0');
      expect((await first.rest()).map((event) => data(event)['type'])).toEqual(['error', 'closed']);
    });

    it('ends after so many seconds, with a last word', async () => {
      const stream = await openStream(await demo(), '/api/timeout-stream?seconds=3');
      const events = (await stream.rest()).map(data);
      expect(events.at(-1)).toEqual({ type: 'timeout', message: 'The time of this stream is up.' });
      const ticks = events.slice(0, -1);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(4);
      for (const tick of ticks) expect(tick).toEqual({ timestamp: SECONDS });
    });

    it('sends nothing but heartbeats where there is nothing to say', async () => {
      const app = await demo();
      const stream = await openStream(app, '/api/heartbeat-stream');
      const opened = performance.now();
      const beats = await stream.collect(2);
      expect(performance.now() - opened).toBeGreaterThan(450);
      expect(beats.map(data)).toEqual(Array(2).fill({ type: 'heartbeat', timestamp: SECONDS }));
      expect(stream.raw()).toMatch(/^:\n(data: \{"type":"heartbeat","timestamp":[\d.]+\}\n\n){2}$/);
      await stream.close();
      await until(() => app.get(SseConnections).count() === 0);
    });

    it('answers pings while it streams a thousand events', async () => {
      const app = await demo();
      const stream = await openStream(app, '/api/non-blocking');
      await stream.next();
      let slowest = 0;
      for (let ping = 0; ping < 20; ping++) {
        const asked = performance.now();
        expect(await ask(app, 'GET', '/api/ping')).toEqual({
          status: 200,
          body: { type: 'pong', timestamp: SECONDS },
        });
        slowest = Math.max(slowest, performance.now() - asked);
      }
      expect(app.get(SseConnections).count()).toBe(1);
      expect(slowest).toBeLessThan(500);
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

    it('makes no more of a data set than its client reads, and answers others meanwhile', async () => {
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
      it('are followed line by line, by a process that goes with its client', async () => {
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
        const left = performance.now();
        await stream.close();
        await until(() => !runs(pid));
        expect(performance.now() - left).toBeLessThan(1000);
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

      it('say so when they can no longer be followed', async () => {
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
        'are not there for %s',
        async (service) => {
          const app = await demo();
          const { status, body } = await ask(app, 'GET', `/api/logs/${service}`);
          expect(status).toBe(404);
          expect(body).toMatchObject({ statusCode: 404, error: 'Not Found' });
          expect(app.get(LogTail).pids).toEqual([]);
        },
      );
    });

    describe('an upload', () => {
      const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));

      it('is seen by its viewers as it comes, and comes back as it went', async () => {
        const app = await demo();
        const viewers = await Promise.all([1, 2].map(() => openStream(app, '/api/progress/s1')));
        for (const viewer of viewers) {
          expect(data(await viewer.next())).toEqual({
            type: 'init',
            session_id: 's1',
            filename: null,
            progress: 0,
            completed: false,
          });
        }
        const result = {
          session_id: 's1',
          filename: 'numbers.bin',
          file_size: 300_000,
          download_url: '/api/download/s1',
        };
        expect(await upload(app, 's1', 'numbers.bin', content)).toEqual({ status: 201, body: result });
        const seen = await Promise.all(viewers.map((viewer) => viewer.rest()));
        for (const events of seen) {
          const news = events.map(data).filter(({ type }) => type !== 'heartbeat');
          expect(news.at(-1)).toEqual({ type: 'completed', ...result, progress: 100 });
          const progress = news.slice(0, -1).map((event) => {
            expect(event).toEqual({ type: 'progress', session_id: 's1', progress: SECONDS });
            return event['progress'] as number;
          });
          expect(progress.length).toBeGreaterThan(0);
          expect([...progress].sort((a, b) => a - b)).toEqual(progress);
        }
        const download = await fetch(`${baseUrl(app)}/api/download/s1`, { headers: { connection: 'close' } });
        expect(download.status).toBe(200);
        expect(download.headers.get('content-length')).toBe('300000');
        expect(download.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''numbers.bin");
        expect(Buffer.from(await download.arrayBuffer()).equals(content)).toBe(true);
      });

      it('is told as complete to who comes later', async () => {
        const app = await demo();
        await upload(app, 's1', 'a.txt', 'abc');
        const events = (await (await openStream(app, '/api/progress/s1')).rest()).map(data);
        expect(events).toEqual([
          { type: 'init', session_id: 's1', filename: 'a.txt', progress: 100, completed: true },
          {
            type: 'completed',
            session_id: 's1',
            filename: 'a.txt',
            file_size: 3,
            download_url: '/api/download/s1',
            progress: 100,
          },
        ]);
      });

      it('is told to who comes midway from where it stands', async () => {
        const app = await demo();
        const slow = new SlowUpload(app, 's1', 'a.txt', 1000);
        const early = await openStream(app, '/api/progress/s1');
        slow.send('x'.repeat(400));
        const { progress } = data(await early.until((event) => data(event)['type'] === 'progress'));
        const late = await openStream(app, '/api/progress/s1');
        expect(data(await late.next())).toEqual({
          type: 'init',
          session_id: 's1',
          filename: 'a.txt',
          progress,
          completed: false,
        });
        slow.send('x'.repeat(600));
        expect((await slow.finish()).status).toBe(201);
        const types = (await late.rest()).map((event) => data(event)['type']);
        expect(types.at(-1)).toBe('completed');
        await early.end();
      });

      it('goes on for a viewer who reconnects from the event that it saw last', async () => {
        const app = await demo();
        const slow = new SlowUpload(app, 's1', 'a.txt', 1000);
        const watcher = await openStream(app, '/api/progress/s1');
        const viewer = await openStream(app, '/api/progress/s1');
        slow.send('x'.repeat(300));
        const isProgress = (event: TestEvent) => data(event)['type'] === 'progress';
        const last = await viewer.until(isProgress);
        await viewer.close();
        slow.send('x'.repeat(300));
        await watcher.until(isProgress);
        await watcher.until(isProgress);
        slow.send('x'.repeat(400));
        await slow.finish();
        const all = (await watcher.rest()).filter((event) => event.id !== undefined);
        const back = await openStream(app, '/api/progress/s1', { lastEventId: last.id ?? '' });
        const resumed = (await back.rest()).map(data);
        expect(resumed[0]?.['type']).toBe('progress');
        expect(resumed.at(-1)).toMatchObject({ type: 'completed', file_size: 1000 });
        expect(resumed.filter(({ type }) => type === 'init')).toEqual([]);
        expect(resumed).toEqual([...resumed].sort((a, b) => Number(a['progress']) - Number(b['progress'])));
        const done = await openStream(app, '/api/progress/s1', { lastEventId: all.at(-1)?.id ?? '' });
        expect(await done.rest()).toEqual([]);
      });

      it.each(['nonsense', '7', 'x-y-z'])(
        'starts afresh for a viewer whose last event %p is unknown',
        async (id) => {
          const app = await demo();
          await upload(app, 's1', 'a.txt', 'abc');
          const stream = await openStream(app, '/api/progress/s1', { lastEventId: id });
          expect((await stream.rest()).map((event) => data(event)['type'])).toEqual(['init', 'completed']);
        },
      );

      it('is followed by a stock client, which stays away afterwards', async () => {
        const app = await demo();
        const client = followWithStockClient(`${baseUrl(app)}/api/progress/s1`);
        await until(() => client.events.length > 0);
        await upload(app, 's1', 'numbers.bin', content);
        await client.closed();
        const types = client.events.map(({ data }) => (JSON.parse(data) as { type: string }).type);
        expect(types[0]).toBe('init');
        expect(types.at(-1)).toBe('completed');
        expect(types.filter((type) => type === 'init' || type === 'completed')).toHaveLength(2);
        expect(client.statuses).toEqual([undefined, 204]);
      }, 10_000);

      it('keeps its viewers alive while nothing comes, and gives them up after five minutes', async () => {
        const stream = await openStream(await demo(), '/api/progress/s1', { timeoutMs: 10_000 });
        const events = (await stream.rest()).map(data);
        expect(events[0]).toMatchObject({ type: 'init' });
        expect(events[1]).toEqual({ type: 'heartbeat', timestamp: SECONDS });
        expect(events.at(-1)).toEqual({
          type: 'timeout',
          message: 'The upload was not complete within five minutes.',
        });
        expect(events.length).toBeGreaterThan(10);
      }, 15_000);

      it('fails for its viewers when its client leaves, and may be tried again', async () => {
        const app = await demo();
        const viewer = await openStream(app, '/api/progress/s1');
        const slow = new SlowUpload(app, 's1', 'a.txt', 1000);
        slow.send('x'.repeat(300));
        await viewer.until((event) => data(event)['type'] === 'progress');
        slow.abort();
        const events = (await viewer.rest()).map(data);
        expect(events.at(-1)).toEqual({
          type: 'error',
          message: 'The upload was broken off by its client.',
        });
        expect((await ask(app, 'GET', '/api/download/s1')).status).toBe(404);
        expect(readdirSync(app.get(Uploads).directory)).toEqual([]);
        expect((await upload(app, 's1', 'a.txt', 'abc')).status).toBe(201);
      });

      it('takes one file a session', async () => {
        const app = await demo();
        const slow = new SlowUpload(app, 's1', 'a.txt', 3);
        const viewer = await openStream(app, '/api/progress/s1');
        await viewer.next();
        slow.send('ab');
        await viewer.until((event) => data(event)['type'] === 'progress');
        expect((await upload(app, 's1', 'b.txt', 'xyz')).status).toBe(409);
        slow.send('c');
        expect((await slow.finish()).status).toBe(201);
        expect(await upload(app, 's1', 'c.txt', 'xyz')).toMatchObject({
          status: 409,
          body: { statusCode: 409, error: 'Conflict' },
        });
        const download = await fetch(`${baseUrl(app)}/api/download/s1`, { headers: { connection: 'close' } });
        expect(await download.text()).toBe('abc');
        await viewer.end();
      });

      it('is refused beyond the greatest length, and leaves the others alone', async () => {
        const app = await ratEngine(adapter, 10_000);
        const other = new SlowUpload(app, 'other', 'a.txt', 3);
        other.send('ab');
        const viewer = await openStream(app, '/api/progress/s1');
        await viewer.next();
        const refused = await upload(app, 's1', 'long.bin', content);
        expect(refused).toMatchObject({ status: 413, body: { statusCode: 413, error: 'Payload Too Large' } });
        expect((await viewer.rest()).map(data).at(-1)).toEqual({
          type: 'error',
          message: 'A file may have 10000 bytes.',
        });
        other.send('c');
        expect((await other.finish()).status).toBe(201);
        expect(readdirSync(app.get(Uploads).directory)).toHaveLength(1);
      });

      it('may be larger than what the framework takes for a body', async () => {
        const app = await demo();
        const large = Buffer.alloc(8_000_000, 'x');
        expect(await upload(app, 's1', 'large.bin', large)).toMatchObject({
          status: 201,
          body: { file_size: 8_000_000 },
        });
      });

      it.each([
        ['a body that breaks off', `${fileHead('a')}abc`],
        ['a body that is no multipart', 'hello'],
        ['no file', `--${BOUNDARY}--\r\n`],
        ['two files', `${fileHead('a')}abc\r\n${fileHead('b')}abc${FILE_END}`],
      ])('answers %s with 400 and JSON', async (_what, body) => {
        const app = await demo();
        const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, accept: '*/*' };
        const answer = await openStream(app, '/api/upload/s1', { body, headers });
        expect(answer.status).toBe(400);
        expect(await answer.json()).toMatchObject({ statusCode: 400, error: 'Bad Request' });
        expect(readdirSync(app.get(Uploads).directory)).toEqual([]);
      });

      it('answers other content types with 415, and bad session ids with 400', async () => {
        const app = await demo();
        expect((await ask(app, 'POST', '/api/upload/s1', '{"a":1}')).status).toBe(415);
        expect((await ask(app, 'POST', '/api/upload/..%2f..%2fx', '{"a":1}')).status).toBe(400);
      });

      it.each(['nosuch', '..%2f..%2fetc%2fpasswd', '%2e%2e', 'constructor'])(
        'is not there to download for %s',
        async (session) => {
          const { status, body } = await ask(await demo(), 'GET', `/api/download/${session}`);
          expect(status).toBe(404);
          expect(body).toMatchObject({ statusCode: 404, error: 'Not Found' });
        },
      );

      it('is kept no longer than the application', async () => {
        const app = await demo();
        await upload(app, 's1', '../../a.txt', 'abc');
        const { directory } = app.get(Uploads);
        expect(readdirSync(directory)).toHaveLength(1);
        await closeApps();
        expect(existsSync(directory)).toBe(false);
      });
    });
  });
});

async function ratEngine(adapter: AdapterName, maxBytes?: number): Promise<INestApplication> {
  return makeApp(adapter, {
    imports: [RatEngineModule],
    setUp: (app) => {
      acceptMultipart(app);
      if (maxBytes === undefined) return;
      Object.defineProperty(app.get(Uploads), 'maxBytes', { value: maxBytes });
    },
  });
}
