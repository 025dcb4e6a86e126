import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const node = async (...args: string[]): Promise<string> =>
  (await run(process.execPath, args, { cwd: ROOT, maxBuffer: 10_000_000 })).stdout;

describe('the package as it is built', () => {
  // Within the project, where its dependencies are found.
  const folder = mkdtempSync(join(ROOT, '.tmp-built-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeAll(async () => {
    const tsc = 'node_modules/typescript7/bin/tsc';
    mkdirSync(join(folder, 'cjs'));
    writeFileSync(join(folder, 'cjs/package.json'), '{ "type": "commonjs" }\n');
    await Promise.all([
      node(tsc, '-p', 'tsconfig.build.json', '--outDir', join(folder, 'esm')),
      node(tsc, '-p', 'tsconfig.cjs.json', '--outDir', join(folder, 'cjs')),
    ]);
  });

  it('works with its ES modules and its CommonJS in one process: whatever is of the one, and whatever of the other', async () => {
    const body =
      ':\nevent: t\nid: 1\ndata: {"aborted":false}\n\n: c\ndata: raw\n\n' +
      'data: {"connections":1,"route":"isSseRoute"}\n\n' +
      'event: error\ndata: {"statusCode":500,"error":"Internal Server Error","message":"Internal server error"}\n\n';
    const route = { body, refused: 500 };
    expect(JSON.parse(await node('test/fixtures/two-copies.mjs', folder))).toEqual({
      distinct: true,
      esm: { esm: route, cjs: route },
      cjs: { esm: route, cjs: route },
      errors: [
        [true, true],
        [true, true],
      ],
    });
  });

  it.each(['esm', 'cjs'])('%s: says what to install where the client of Redis is missing', async (kind) => {
    const index = JSON.stringify(join(folder, kind, 'redis/index.js'));
    const code = `import(${index}).then((redis) => {
      for (const make of [redis.redisLog, redis.redisSlots])
        try { make({ client: 'redis://localhost' }) } catch (error) { console.log(error.code, error.message) }
    })`;
    const said =
      'SSE_INVALID_OPTIONS The package "@redis/client" is not installed. Run "npm install @redis/client", or pass a client of ' +
      'the package "redis" or "ioredis" instead of options or a URL.\n';
    expect(await node('-r', './test/fixtures/no-redis-client.cjs', '-e', code)).toBe(said + said);
  });

  it('is a command that ends with its stream, with the reader of its output, and on Ctrl-C', async () => {
    const main = join(folder, 'esm/cli/main.js');
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await node(main, '--version')).toBe(`${version}\n`);
    const server = createServer((request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: 1\n\n');
      if (request.url === '/ended') response.end('id: ~end\nevent: ~end\ndata:\n\n');
      if (request.url === '/endless') {
        const again = setInterval(() => response.write('data: 2\n\n'), 1);
        response.on('close', () => clearInterval(again));
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await node(main, 'listen', `${url}/ended`)).toBe('data: 1\n\n');

    const listen = (path: string) => spawn(process.execPath, [main, 'listen', url + path], { stdio: 'pipe' });
    const closed = listen('/endless');
    await once(closed.stdout, 'data');
    closed.stdout.destroy();
    expect(await once(closed, 'exit')).toEqual([0, null]);

    for (const [signal, status] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const interrupted = listen('/open');
      let text = '';
      interrupted.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
      await once(interrupted.stdout, 'data');
      interrupted.kill(signal);
      expect([await once(interrupted, 'exit'), text]).toEqual([[status, null], '']);
    }
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("answers Fastify's inject(), which has no socket", async () => {
    const json = (value: unknown): string => JSON.stringify(value);
    const answers = {
      generator: [200, 200, `:\ndata: 1\n\ndata: ${'x'.repeat(100_000)}\n\n`],
      observable: [200, 200, ':\ndata: 1\n\ndata: 2\n\n'],
      plain: [200, 200, json({ plain: true })],
      failing: [500, 200, json({ statusCode: 500, message: 'Internal server error' })],
    };
    expect(JSON.parse(await node('test/fixtures/inject.mjs', folder))).toEqual({
      without: { answers, open: 0 },
      with: { answers, open: 0 },
    });
  });
});
