import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { openStream, type TestEvent, type TestStream } from 'nestjs-event-stream/testing';
import { PATIENCE_MS, ask } from '../e2e/ask.js';
import { describePostgresServer } from '../fixtures/postgres.js';
import { PostgresServer } from '../fixtures/postgres-server.mjs';
import { describeRedisServer } from '../fixtures/redis.js';
import { RedisServer } from '../fixtures/redis-server.js';

// Read with the classes: fast, and slow enough for five minutes to outlast a test.
process.env['DEMO_SPEED'] = '20';
const { createDemo } = await import('../../demo/create-app.js');

type Data = Record<string, unknown>;
const data = (event: TestEvent): Data => event.json();
const BOUNDARY = 'boundary-of-the-test';
const FILE_HEAD =
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n` +
  'Content-Type: application/octet-stream\r\n\r\n';
const FILE_END = `\r\n--${BOUNDARY}--\r\n`;

function portOf(app: INestApplication): number {
  return (app.getHttpServer() as { address(): AddressInfo }).address().port;
}

/** An upload that continues when the test says so. */
function startUpload(app: INestApplication, session: string, length: number) {
  const headers = {
    'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    'content-length': FILE_HEAD.length + length + FILE_END.length,
  };
  const path = `/api/upload/${session}`;
  const sending = request({
    port: portOf(app),
    host: '127.0.0.1',
    method: 'POST',
    path,
    headers,
    agent: false,
  });
  const status = new Promise<number>((resolve, reject) => {
    sending.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sending.once('error', reject);
  });
  sending.write(FILE_HEAD);
  return {
    send: (text: string) => sending.write(text),
    finish: () => {
      sending.end(FILE_END);
      return status;
    },
  };
}

/** Opens the next reader of a project as soon as it is admitted. Until then it gets one of these answers. */
async function entered(
  app: INestApplication,
  path: string,
  refusals: readonly number[],
  lastEventId?: string,
): Promise<TestStream> {
  for (;;) {
    const stream = await openStream(app, `${path}/stream/result`, {
      timeoutMs: PATIENCE_MS,
      ...(lastEventId && { lastEventId }),
    });
    if (stream.status === 200) return stream;
    expect(refusals).toContain(stream.status);
    await stream.end();
  }
}

/** A server that the nodes share. */
interface Server {
  readonly url: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

function suite(variable: string, start: () => Promise<Server>): void {
  let server: Server;
  let nodes: [INestApplication, INestApplication];
  const files = mkdtempSync(join(tmpdir(), 'demo-nodes-'));

  async function node(adapter: 'express' | 'fastify'): Promise<INestApplication> {
    const app = await createDemo(adapter, { logger: false });
    await app.listen(0, '127.0.0.1');
    return app;
  }

  beforeAll(async () => {
    server = await start();
    process.env[variable] = server.url;
    process.env['DEMO_UPLOADS'] = files;
    nodes = [await node('express'), await node('fastify')];
  });
  afterAll(async () => {
    delete process.env[variable];
    delete process.env['DEMO_UPLOADS'];
    for (const app of nodes) await app.close();
    await server.remove();
    rmSync(files, { recursive: true, force: true });
  });

  describe('channels', () => {
    it('are published to here, followed there, and resumed anywhere', async () => {
      const [a, b] = nodes;
      const streams = [await openStream(a, '/channels/news'), await openStream(b, '/channels/news')];
      const { body } = await ask<{ ids: string[] }>(b, 'POST', '/channels/news', [{ n: 1 }, { n: 2 }]);
      for (const stream of streams) {
        expect((await stream.collect(2)).map(({ id, data }) => [id, data])).toEqual([
          [body.ids[0], '{"n":1}'],
          [body.ids[1], '{"n":2}'],
        ]);
        await stream.close();
      }
      const back = await openStream(a, '/channels/news', { lastEventId: body.ids[0] as string });
      expect((await back.next()).data).toBe('{"n":2}');
      await back.close();
    });
  });

  describe('runs', () => {
    it('are started here, attached there, stopped there', async () => {
      const [a, b] = nodes;
      expect((await ask(a, 'POST', '/runs/r', { words: 9000 })).status).toBe(201);
      expect((await ask(b, 'POST', '/runs/r', { words: 9000 })).status).toBe(409);
      const streams = [await openStream(a, '/runs/r'), await openStream(b, '/runs/r')];
      for (const stream of streams) await stream.next();
      expect(await ask(b, 'DELETE', '/runs/r')).toEqual({
        status: 200,
        body: { id: 'r', status: 'stopped' },
      });
      const [here, there] = await Promise.all(streams.map((stream) => stream.rest()));
      const seen = [here, there].map((events) => events?.map(({ type, id, data }) => [type, id, data]));
      expect(seen[1]).toEqual(seen[0]);
      expect(there?.at(-1)?.type).toBe('stopped');
      expect((await ask(b, 'DELETE', '/runs/none')).status).toBe(404);
    });
  });

  describe('an upload to RAT Engine', () => {
    it('is posted here, watched there, resumed anywhere, and downloaded there', async () => {
      const [a, b] = nodes;
      const early = await openStream(b, '/api/progress/s1');
      expect(data(await early.next())).toMatchObject({ type: 'init', progress: 0, filename: null });
      const upload = startUpload(a, 's1', 1000);
      upload.send('x'.repeat(400));
      const news = await early.until((event) => data(event)['type'] === 'progress');
      const late = await openStream(b, '/api/progress/s1');
      expect(data(await late.next())).toEqual({
        type: 'init',
        session_id: 's1',
        filename: 'a.txt',
        progress: data(news)['progress'],
        completed: false,
      });
      const second = startUpload(b, 's1', 3);
      second.send('abc');
      expect(await second.finish()).toBe(409);
      upload.send('x'.repeat(600));
      expect(await upload.finish()).toBe(201);
      const result = {
        session_id: 's1',
        filename: 'a.txt',
        file_size: 1000,
        download_url: '/api/download/s1',
      };
      const isNews = ({ type }: Data) => type !== 'heartbeat';
      for (const stream of [early, late]) {
        const rest = (await stream.rest()).map(data).filter(isNews);
        expect(rest.at(-1)).toEqual({ type: 'completed', ...result, progress: 100 });
        expect(rest.filter(({ type }) => type !== 'progress')).toHaveLength(1);
      }
      for (const app of nodes) {
        const after = await (await openStream(app, '/api/progress/s1')).rest();
        expect(after.map(data).map(({ type }) => type)).toEqual(['init', 'completed']);
        const resumed = await openStream(app, '/api/progress/s1', { lastEventId: news.id as string });
        const events = (await resumed.rest()).map(data).filter(isNews);
        expect(events.filter(({ type }) => type === 'init')).toEqual([]);
        expect(events.at(-1)).toEqual({ type: 'completed', ...result, progress: 100 });
        const url = `http://127.0.0.1:${portOf(app)}/api/download/s1`;
        const download = await fetch(url, { headers: { connection: 'close' } });
        expect(await download.text()).toBe('x'.repeat(1000));
      }
    });
  });

  describe('a game', () => {
    const status = (app: INestApplication, game: string, player: number) =>
      ask<{ version: number; turn: number; legal_pawns: number[] }>(
        app,
        'GET',
        `/games/${game}/player/${player}/status`,
      );

    it('is made on one node, and viewers on the other see its moves, also after a reconnect', async () => {
      const [a, b] = nodes;
      const game = (await ask<{ game_id: string }>(a, 'POST', '/games')).body.game_id;
      const path = `/stream/${game}/player/2/status`;
      const watcher = await openStream(b, path);
      expect((await watcher.next()).json()).toMatchObject({ version: 1, turn: 1, player_id: 2 });
      const { legal_pawns } = (await status(b, game, 1)).body;
      const move = { pawn: legal_pawns[0] };
      expect((await ask(a, 'POST', `/games/${game}/player/1/move`, move)).status).toBe(200);
      expect((await watcher.next()).json()).toMatchObject({ version: 2, turn: 2 });
      expect((await status(b, game, 2)).body).toMatchObject({ version: 2, turn: 2 });
      expect((await ask(b, 'POST', `/games/${game}/player/1/move`, move)).status).toBe(409);
      const back = await openStream(a, path, { lastEventId: '1' });
      expect((await back.next()).json()).toMatchObject({ version: 2 });
      const answers = await Promise.all(
        nodes.map((app) => ask(app, 'POST', `/games/${game}/player/2/move`, { pawn: 0 })),
      );
      // Both at once: one of them comes first, the other is no longer at the turn.
      expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409]);
      for (const stream of [watcher, back]) {
        expect((await stream.next()).json()).toMatchObject({ version: 3 });
        await stream.close();
      }
    });
  });

  describe('PrCore', () => {
    const ids = (events: readonly TestEvent[]) =>
      events
        .filter(({ type }) => type === 'message')
        .flatMap((event) => event.json<{ id: number }[]>().map(({ id }) => id));

    async function project(app: INestApplication, run: 'streaming' | 'simulating'): Promise<string> {
      const { body } = await ask<{ id: number }>(app, 'POST', '/project');
      const path = `/project/${body.id}`;
      expect((await ask(app, 'PUT', `${path}/start/${run}`)).status).toBe(200);
      return path;
    }

    it('takes an event here and prescribes there, until it is stopped anywhere', async () => {
      const [a, b] = nodes;
      const path = await project(a, 'streaming');
      await ask(a, 'POST', `${path}/event`, { case_id: 'L1', activity: 'Submit application' });
      const reader = await openStream(b, `${path}/stream/result`);
      expect(await reader.next()).toMatchObject({ type: 'notification', id: '0', data: 'CONNECTED' });
      expect(ids([await reader.next('message')])).toEqual([1]);
      await ask(a, 'POST', `${path}/event`, { case_id: 'L1', activity: 'Check completeness' });
      const [entry] = (await reader.next('message')).json<{ id: number; prescriptions: unknown[] }[]>();
      expect(entry).toMatchObject({ id: 2, prescriptions: [{ type: 'NEXT_ACTIVITY' }] });
      await ask(a, 'PUT', `${path}/stop`);
      expect((await reader.rest()).at(-1)).toMatchObject({ type: 'notification', data: 'FINISHED' });
      expect((await ask(b, 'GET', path)).body).toMatchObject({ status: 'FINISHED' });
    });

    it('has one reader over both nodes, gives the next one the remaining events, and repeats missed events after a reconnect', async () => {
      const [a, b] = nodes;
      const path = await project(a, 'streaming');
      const record = (app: INestApplication) =>
        ask(app, 'POST', `${path}/event`, { case_id: 'L1', activity: 'Assess risk' });
      const first = await openStream(a, `${path}/stream/result`);
      await first.next('notification');
      expect((await ask(b, 'GET', `${path}/stream/result`)).status).toBe(400);
      await record(b);
      const seen = await first.next('message');
      await record(b);
      await first.next('message');
      await first.close();
      await record(a);
      const second = await entered(b, path, [400], seen.id);
      expect(await second.next()).toMatchObject({ data: 'CONNECTED' });
      const batch = await second.next('message');
      expect(ids([batch])).toEqual([2, 3]);
      expect(Number(batch.id)).toBeGreaterThan(Number(seen.id));
      expect((await ask(a, 'GET', `${path}/stream/result`)).status).toBe(400);
      await second.close();
    });

    it('continues a simulation when its node has died, and misses none of its steps', async () => {
      const [a] = nodes;
      const third = await node('express');
      const path = await project(third, 'simulating');
      const reader = await openStream(a, `${path}/stream/result`);
      const events = [await reader.next('message')];
      await third.close();
      events.push(...(await reader.collect(12)));
      await reader.close();
      const given = ids(events);
      expect(given).toEqual(Array.from({ length: given.length }, (_, i) => i + 1));
      expect((await ask(a, 'PUT', `${path}/stop`)).body).toMatchObject({ status: 'FINISHED' });
    });
  });

  it('refuse what needs the server with 503 while it is away, and go on when it is back', async () => {
    const [a, b] = nodes;
    const stream = await openStream(b, '/channels/away');
    await server.kill();
    expect((await ask(a, 'POST', '/games')).status).toBe(503);
    await server.start();
    // A request of that time may have been given up in the moment in which Redis recovered.
    const sure = async (app: INestApplication, path: string, body?: unknown) => {
      for (;;) {
        const answer = await ask(app, 'POST', path, body);
        if (answer.status === 201) return answer.body;
        expect(answer.status).toBe(503);
      }
    };
    await sure(a, '/channels/away', { n: 1 });
    expect((await stream.next()).data).toBe('{"n":1}');
    await stream.close();
    const { game_id } = await sure(a, '/games');
    expect((await ask(b, 'GET', `/games/${String(game_id)}/player/1/status`)).body).toMatchObject({
      version: 1,
    });
    const { id } = await sure(b, '/project');
    expect((await ask(a, 'PUT', `/project/${String(id)}/start/streaming`)).status).toBe(200);
    // Each connection to Redis recovers in its own time, also that of the limit.
    const reader = await entered(b, `/project/${String(id)}`, [503]);
    expect((await reader.next()).data).toBe('CONNECTED');
    await reader.close();
  });
}

describeRedisServer('two nodes of the demo on one Redis', () =>
  suite('REDIS_URL', () => RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always')),
);

describePostgresServer('two nodes of the demo on one PostgreSQL', () =>
  suite('DATABASE_URL', () => PostgresServer.start()),
);
