import { existsSync, readdirSync } from 'node:fs';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { openStream, type TestEvent } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until, type AdapterName } from './adapters.js';
import { ask } from './ask.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

// Read with the classes: slow enough that five minutes last longer than a test.
process.env['DEMO_SPEED'] = '100';
const { RatEngineModule } = await import('../../demo/rat-engine/rat-engine.module.js');
const { acceptMultipart } = await import('../../demo/rat-engine/accept-multipart.js');
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

/** An upload that continues when the test says so. */
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

describe('an upload to RAT Engine', () => {
  eachAdapter((adapter) => {
    const demo = () => ratEngine(adapter);
    afterEach(closeStockClients);
    afterEach(closeApps);

    const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));

    it('is seen by its viewers as it arrives, and is downloaded unchanged', async () => {
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

    it('is reported as complete to a viewer that connects later', async () => {
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

    it('is reported from its current state to a viewer that connects midway', async () => {
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

    it('continues for a viewer that reconnects, from its last event', async () => {
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
      'starts again for a viewer whose last event %p is unknown',
      async (id) => {
        const app = await demo();
        await upload(app, 's1', 'a.txt', 'abc');
        const stream = await openStream(app, '/api/progress/s1', { lastEventId: id });
        expect((await stream.rest()).map((event) => data(event)['type'])).toEqual(['init', 'completed']);
      },
    );

    it('is followed by a stock client, which does not reconnect afterwards', async () => {
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

    it('keeps its viewers connected while no data arrives, and fails after five minutes', async () => {
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

    it('fails for its viewers when its client leaves, and can be repeated', async () => {
      const app = await demo();
      const viewer = await openStream(app, '/api/progress/s1');
      const slow = new SlowUpload(app, 's1', 'a.txt', 1000);
      slow.send('x'.repeat(300));
      await viewer.until((event) => data(event)['type'] === 'progress');
      slow.abort();
      const events = (await viewer.rest()).map(data);
      expect(events.at(-1)).toEqual({
        type: 'error',
        message: 'The client interrupted the upload.',
      });
      expect((await ask(app, 'GET', '/api/download/s1')).status).toBe(404);
      expect(readdirSync(app.get(Uploads).directory)).toEqual([]);
      expect((await upload(app, 's1', 'a.txt', 'abc')).status).toBe(201);
    });

    it('accepts one file for each session', async () => {
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

    it('is rejected beyond the maximum length, without an effect on others', async () => {
      const app = await ratEngine(adapter, 10_000);
      const other = new SlowUpload(app, 'other', 'a.txt', 3);
      other.send('ab');
      const viewer = await openStream(app, '/api/progress/s1');
      await viewer.next();
      const refused = await upload(app, 's1', 'long.bin', content);
      expect(refused).toMatchObject({ status: 413, body: { statusCode: 413, error: 'Payload Too Large' } });
      expect((await viewer.rest()).map(data).at(-1)).toEqual({
        type: 'error',
        message: 'The file is too large: the limit is 10000 bytes.',
      });
      other.send('c');
      expect((await other.finish()).status).toBe(201);
      expect(readdirSync(app.get(Uploads).directory)).toHaveLength(1);
    });

    it('can be larger than the body limit of the framework', async () => {
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

    it('answers other content types with 415, and invalid session IDs with 400', async () => {
      const app = await demo();
      expect((await ask(app, 'POST', '/api/upload/s1', '{"a":1}')).status).toBe(415);
      expect((await ask(app, 'POST', '/api/upload/..%2f..%2fx', '{"a":1}')).status).toBe(400);
    });

    it.each(['nosuch', '..%2f..%2fetc%2fpasswd', '%2e%2e', 'constructor'])(
      'cannot be downloaded for %s',
      async (session) => {
        const { status, body } = await ask(await demo(), 'GET', `/api/download/${session}`);
        expect(status).toBe(404);
        expect(body).toMatchObject({ statusCode: 404, error: 'Not Found' });
      },
    );

    it('does not delay the shutdown of the application', async () => {
      const app = await demo();
      const { directory } = app.get(Uploads);
      const slow = new SlowUpload(app, 's1', 'a.txt', 1000);
      slow.send('x'.repeat(300));
      await until(() => readdirSync(directory).length === 1);
      await closeApps();
      expect(existsSync(directory)).toBe(false);
    });

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
