import './demo-speed.js';
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

/** The scripts that a script imports, by their paths. */
function imports(script: string): string[] {
  return [...script.matchAll(/from '\.\/([\w-]+\.js)'/g)].map(([, name]) => `/pages/${name}`);
}

describe('the demo', () => {
  eachAdapter((adapter) => {
    let app: INestApplication;
    beforeAll(async () => {
      app = await createDemo(adapter, { logger: false });
      await app.listen(0, '127.0.0.1');
    });
    afterAll(() => app.close());

    it('has a page that names the six systems and shows a curl line for each stream', async () => {
      const { status, headers, text } = await load(app, '/');
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(headers['content-security-policy']).toContain("default-src 'self'");
      for (const name of ['RAT Engine', 'PrCore', 'Timeplus', 'Board game', 'tRPC-Cpp', 'Token chat']) {
        expect(text).toContain(`>${name}</h2>`);
      }
      for (const route of [
        '/api/events',
        '/project/1/stream/result',
        '/stream/GAME/player/1/status',
        '/sse/test',
        '/api/chat/demo/stream',
      ]) {
        expect(text).toContain(`curl -N http://127.0.0.1:3000${route}`);
      }
    });

    it('serves everything that the page loads, with its type', async () => {
      const { text } = await load(app, '/');
      const waiting = [...text.matchAll(/(?:href|src)="(\/pages\/[^"]+)"/g)].map(
        ([, path]) => path as string,
      );
      const types = new Map<string, unknown>();
      for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
        if (types.has(path)) continue;
        const file = await load(app, path);
        expect({ path, status: file.status }).toEqual({ path, status: 200 });
        expect(file.text.length).toBeGreaterThan(100);
        types.set(path, file.headers['content-type']);
        if (path.endsWith('.js')) waiting.push(...imports(file.text));
      }
      expect(types.get('/pages/style.css')).toBe('text/css; charset=utf-8');
      expect(types.get('/pages/icon.svg')).toBe('image/svg+xml');
      expect(types.get('/pages/page.js')).toBe('text/javascript; charset=utf-8');
      expect(types.get('/pages/pane.js')).toBe('text/javascript; charset=utf-8');
      expect(types.size).toBeGreaterThan(10);
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
