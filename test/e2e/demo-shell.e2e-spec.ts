import './demo-speed.js';
import { readFileSync } from 'node:fs';
import type { INestApplication } from '@nestjs/common';
import { openStream } from 'nestjs-event-stream/testing';
import { createDemo } from '../../demo/create-app.js';
import { eachAdapter } from './adapters.js';
import { ask } from './ask.js';

const QUESTION = {
  id: 'shell',
  messages: [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
};

/** A file of the page, as a browser gets it. */
async function load(app: INestApplication, path: string) {
  const answer = await openStream(app, path, { headers: { accept: '*/*' } });
  await answer.end();
  return { status: answer.status, headers: answer.headers, text: answer.raw() };
}

describe('the demo', () => {
  eachAdapter((adapter) => {
    let app: INestApplication;
    beforeAll(async () => {
      app = await createDemo(adapter, { logger: false });
      await app.listen(0, '127.0.0.1');
    });
    afterAll(() => app.close());

    it('has a page that names the six systems and their jobs, and shows a curl line for each stream', async () => {
      const { status, headers, text } = await load(app, '/');
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(headers['content-security-policy']).toContain("default-src 'self'");
      for (const name of ['RAT Engine', 'PrCore', 'Timeplus', 'FastAPI', 'tRPC-Cpp', 'AI SDK']) {
        expect(text).toContain(name);
      }
      for (const job of [
        'Follow an upload',
        'One reader at a time',
        'Streaming SQL',
        'A game table without polling',
        'The smallest stream',
        'A chat that survives a reload',
      ]) {
        expect(text).toContain(`>${job}</h2>`);
      }
      for (const route of [
        '/api/events',
        '/project/1/stream/result',
        '/stream/GAME/player/1/status',
        '/sse/test',
        '/api/chat/demo/stream',
      ]) {
        expect(text).toContain(`curl -N {origin}${route}`);
      }
      expect(text).not.toMatch(/<!-- (?:include|behind)/);
    });

    it('serves everything that the page loads, with its type', async () => {
      const { text } = await load(app, '/');
      const types = new Map<string, unknown>();
      for (const [, path = ''] of text.matchAll(/(?:href|src)="(\/pages\/[^"]+)"/g)) {
        const file = await load(app, path);
        expect({ path, status: file.status }).toEqual({ path, status: 200 });
        types.set(path, file.headers['content-type']);
        expect(file.text.length).toBeGreaterThan(100);
      }
      expect(Object.fromEntries(types)).toEqual({
        '/pages/icon.svg': 'image/svg+xml',
        '/pages/style.css': 'text/css; charset=utf-8',
        '/pages/page.js': 'text/javascript; charset=utf-8',
      });
      const { text: script } = await load(app, '/pages/page.js');
      expect(script).toContain('Last-Event-ID');
      expect(script).not.toMatch(/\bimport\b[^(]*from/);
    });

    it('shows the source of the controller behind each stream of the page', async () => {
      const { text } = await load(app, '/');
      const names = [...text.matchAll(/data-behind="([\w-]+)"/g)].map(([, name]) => name as string);
      const routes = [...text.matchAll(/<option value="([\w-]+-stream)"/g)].map(([, name]) => name as string);
      expect(names.length).toBeGreaterThanOrEqual(9);
      for (const name of [...names, ...routes]) {
        const { status, body } = await ask<{ path: string; line: number; text: string }>(
          app,
          'GET',
          `/sources/${name}`,
        );
        expect([name, status]).toEqual([name, 200]);
        expect(body.text).toMatch(/@(?:Sse|UiMessages)\(/);
        const file = readFileSync(body.path, 'utf8').split('\n');
        const [first] = body.text.split('\n');
        expect(file[body.line - 1]?.trim()).toBe(first);
      }
      expect((await ask(app, 'GET', '/sources/..%2fmain')).status).toBe(404);
    });

    it.each([
      '/pages/pages.controller.ts',
      '/pages/index.html',
      '/pages/..%2fmain.ts',
      '/pages/%2e%2e%2f%2e%2e%2fpackage.json',
      '/pages/..%5cmain.ts',
      '/pages/style.css%00.js',
      '/pages/',
      '/pages/constructor',
    ])('answers 404 at %s', async (path) => {
      const { status, text } = await load(app, path);
      expect(status).toBe(404);
      expect(JSON.parse(text)).toMatchObject({ statusCode: 404, error: 'Not Found' });
    });

    it('answers unknown routes as Nest does', async () => {
      expect(await ask(app, 'GET', '/nothing/here')).toEqual({
        status: 404,
        body: { statusCode: 404, error: 'Not Found', message: 'Cannot GET /nothing/here' },
      });
      expect(await ask(app, 'POST', '/sse/test')).toMatchObject({
        status: 404,
        body: { message: 'Cannot POST /sse/test' },
      });
    });

    it('answers on every ordinary route while streams of all systems run', async () => {
      const project = (await ask<{ id: number }>(app, 'POST', '/project')).body.id;
      await ask(app, 'PUT', `/project/${project}/start/simulating`);
      const game = (await ask<{ game_id: string }>(app, 'POST', '/games')).body.game_id;
      const streams = await Promise.all([
        openStream(app, '/api/timeout-stream?seconds=300'),
        openStream(app, '/api/heartbeat-stream'),
        openStream(app, `/project/${project}/stream/result`),
        openStream(app, `/stream/${game}/player/1/status`),
        openStream(app, '/tenant/api/v1beta2/queries', { body: { sql: 'SELECT * FROM readings' } }),
        openStream(app, '/api/chat', { body: QUESTION }),
      ]);
      expect(streams.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
      expect((await load(app, '/')).status).toBe(200);
      expect((await load(app, '/api/ping')).status).toBe(200);
      expect((await ask(app, 'GET', `/project/${project}`)).status).toBe(200);
      expect((await ask(app, 'GET', `/games/${game}/player/1/status`)).status).toBe(200);
      expect((await (await openStream(app, '/sse/test')).rest()).length).toBe(10);
      await Promise.all(streams.map((stream) => stream.close()));
    });
  });
});
