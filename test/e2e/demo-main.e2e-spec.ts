import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { openStream } from 'nestjs-event-stream/testing';
import { BuiltDemo, listening } from '../fixtures/built-demo.js';

/** Each test starts a process of its own, which takes seconds, and more on a busy machine. */
const TIMEOUT_MS = 120_000;

describe('node dist-demo/main.js', () => {
  let demo: BuiltDemo;
  beforeAll(() => {
    demo = new BuiltDemo('demo-main');
  }, TIMEOUT_MS);
  afterAll(() => demo.remove());
  afterEach(() => demo.kill());

  it.each(['express', 'fastify'])(
    'prints its address once it accepts requests, on %s',
    async (adapter) => {
      const run = demo.start({ PORT: '0', DEMO_ADAPTER: adapter });
      const url = await listening(run);
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      const page = await openStream(url, '/', { headers: { accept: 'text/html' } });
      await page.end();
      expect(page.status).toBe(200);
      expect(page.headers['x-powered-by']).toBe(adapter === 'express' ? 'Express' : undefined);
      for (const path of ['/inspector', '/api-docs', '/api-docs-json', '/api-docs/swagger-ui-bundle.js']) {
        expect((await fetch(url + path)).status).toBe(200);
      }
    },
    TIMEOUT_MS,
  );

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends its streams and exits on %s',
    async (signal) => {
      const run = demo.start({ PORT: '0' });
      const stream = await openStream(await listening(run), '/api/heartbeat-stream');
      run.child.kill(signal);
      expect(await stream.end()).toBe('ended');
      expect(await run.exited).toBe(0);
      expect(run.output()).toMatch(
        /^Demo on (\S+)\n {2}Try: {6}curl -N \1\/api\/events\n {2}Inspect: {2}\1\/inspector\n {2}Stop: {5}Ctrl\+C\n$/,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'restarts at the same address when the page asks for it',
    async () => {
      const run = demo.start({ PORT: '0' });
      const url = await listening(run);
      const stream = await openStream(url, '/api/heartbeat-stream');
      const answer = await fetch(`${url}/live/restart`, { method: 'POST' });
      expect([answer.status, await answer.json()]).toEqual([202, { restarting: true }]);
      expect(await stream.end()).toBe('ended');
      while (!run.output().includes('Restarted.')) await once(run.child.stdout ?? run.child, 'data');
      expect((await fetch(`${url}/api/ping`)).status).toBe(200);
      const foreign = await fetch(`${url}/live/restart`, {
        method: 'POST',
        headers: { 'sec-fetch-site': 'cross-site' },
      });
      expect(foreign.status).toBe(403);
      run.child.kill('SIGTERM');
      expect(await run.exited).toBe(0);
    },
    TIMEOUT_MS,
  );

  it.each([
    [{ PORT: 'http' }, 'PORT is "http": it must be a number from 0 (any free port) to 65535.'],
    [{ PORT: '0', DEMO_ADAPTER: 'koa' }, 'DEMO_ADAPTER is "koa": it must be express or fastify.'],
    [{ PORT: '0', DEMO_SPEED: 'fast' }, expect.stringMatching(/^DEMO_SPEED is "fast": it must be /)],
    [{ PORT: '0', DEMO_SPEED: '0' }, expect.stringMatching(/^DEMO_SPEED is "0": it must be /)],
  ])(
    'rejects %j with one line and status 1',
    async (env, line) => {
      const run = demo.start(env);
      expect(await run.exited).toBe(1);
      const [said, ...rest] = run.output().split('\n');
      expect(said).toEqual(line);
      expect(rest).toEqual(['']);
    },
    TIMEOUT_MS,
  );

  it.each(['express', 'fastify'])(
    'reports that its port is in use, on %s',
    async (adapter) => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as AddressInfo;
      const run = demo.start({ PORT: String(port), DEMO_ADAPTER: adapter });
      expect(await run.exited).toBe(1);
      expect(run.output()).toBe(
        `Port ${port} on 127.0.0.1 is in use: set PORT to another one, or to 0 for any.\n`,
      );
      other.close();
    },
    TIMEOUT_MS,
  );
});
