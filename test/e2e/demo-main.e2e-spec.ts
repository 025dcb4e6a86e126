import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { openStream } from 'nestjs-event-stream/testing';

/** A package that is built in its own folder, so that no other process sees a half-built `dist`. */
const BUILT = resolve('.tmp/demo-main');

function build(): void {
  rmSync(BUILT, { recursive: true, force: true });
  mkdirSync(BUILT, { recursive: true });
  cpSync('package.json', join(BUILT, 'package.json'));
  symlinkSync(resolve('demo'), join(BUILT, 'demo'));
  const compile = (project: string, outDir: string): void => {
    const config = {
      extends: resolve(project),
      compilerOptions: { outDir, noCheck: true, sourceMap: false },
    };
    writeFileSync(join(BUILT, project), JSON.stringify(config));
    execFileSync(process.execPath, ['node_modules/typescript7/bin/tsc', '-p', join(BUILT, project)]);
  };
  compile('tsconfig.build.json', 'dist/esm');
  compile('tsconfig.demo.json', 'dist-demo');
}

interface Run {
  child: ChildProcess;
  output(): string;
  exited: Promise<number | null>;
}

const running = new Set<ChildProcess>();
/** Each test starts a process of its own, which takes seconds, and more on a busy machine. */
const TIMEOUT_MS = 120_000;

function start(env: Record<string, string>): Run {
  const child = spawn(process.execPath, ['dist-demo/main.js'], {
    cwd: BUILT,
    env: { PATH: process.env['PATH'], ...env },
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return { child, output: () => output, exited };
}

/** The base URL of a demo, once it accepts requests. */
async function listening(run: Run): Promise<string> {
  for (;;) {
    const url = /^Demo on (\S+)\n$/.exec(run.output())?.[1];
    if (url !== undefined) return url;
    const over = await Promise.race([
      run.exited,
      once(run.child.stdout ?? run.child, 'data').then(() => 'more'),
    ]);
    if (over !== 'more') throw new Error(`The demo ended (${over}): ${run.output()}`);
  }
}

describe('node dist-demo/main.js', () => {
  beforeAll(build, TIMEOUT_MS);
  afterAll(() => rmSync(BUILT, { recursive: true, force: true }));
  afterEach(() => {
    for (const child of running) child.kill('SIGKILL');
    running.clear();
  });

  it.each(['express', 'fastify'])(
    'prints its address once it accepts requests, on %s',
    async (adapter) => {
      const run = start({ PORT: '0', DEMO_ADAPTER: adapter });
      const url = await listening(run);
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      const page = await openStream(url, '/', { headers: { accept: 'text/html' } });
      await page.end();
      expect(page.status).toBe(200);
      expect(page.headers['x-powered-by']).toBe(adapter === 'express' ? 'Express' : undefined);
      for (const path of ['/api-docs', '/api-docs-json', '/api-docs/swagger-ui-bundle.js']) {
        expect((await fetch(url + path)).status).toBe(200);
      }
    },
    TIMEOUT_MS,
  );

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends its streams and exits on %s',
    async (signal) => {
      const run = start({ PORT: '0' });
      const stream = await openStream(await listening(run), '/api/heartbeat-stream');
      run.child.kill(signal);
      expect(await stream.end()).toBe('ended');
      expect(await run.exited).toBe(0);
      expect(run.output()).toMatch(/^Demo on \S+\n$/);
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
      const run = start(env);
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
      const run = start({ PORT: String(port), DEMO_ADAPTER: adapter });
      expect(await run.exited).toBe(1);
      expect(run.output()).toBe(
        `Port ${port} on 127.0.0.1 is in use: set PORT to another one, or to 0 for any.\n`,
      );
      other.close();
    },
    TIMEOUT_MS,
  );
});
