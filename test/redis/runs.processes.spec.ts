import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describePostgres, testSchema } from '../fixtures/postgres.js';
import { describeRedisServer } from '../fixtures/redis.js';
import { RedisServer } from '../fixtures/redis-server.js';
import { RunProcess } from '../fixtures/run-process.js';

const ROOT = join(import.meta.dirname, '../..');
const LEASE_MS = 2000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Source {
  yielded: number;
  reason?: string;
  finished: boolean;
}

async function until(test: () => Promise<boolean>): Promise<void> {
  while (!(await test())) await sleep(20);
}

/** Processes with the server at `url`, and in PostgreSQL with this schema. */
function suite(start: () => Promise<{ url: string; schema?: string; remove(): Promise<void> }>): void {
  // Within the project, where its dependencies are found.
  const folder = mkdtempSync(join(ROOT, '.tmp-runs-'));
  const processes: RunProcess[] = [];
  let server: Awaited<ReturnType<typeof start>>;

  beforeAll(async () => {
    const tsc = 'node_modules/typescript7/bin/tsc';
    const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', join(folder, 'esm')];
    execFileSync(process.execPath, args, { cwd: ROOT });
    server = await start();
  });
  afterEach(async () => {
    for (const each of processes.splice(0)) await each.kill();
  });
  afterAll(async () => {
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  async function add(): Promise<RunProcess> {
    const made = new RunProcess(folder, server.url, LEASE_MS, server.schema);
    processes.push(made);
    return made.ready();
  }

  const sourceOf = async (node: RunProcess, id: string) => (await node.call('source', id)) as Source;

  /** Suspends the owner of a run until another node has given it up. */
  async function suspend(owner: RunProcess, other: RunProcess, id: string): Promise<void> {
    await owner.call('startEndless', id, 'old');
    await until(async () => (await sourceOf(owner, id)).yielded > 5);
    owner.suspend();
    await until(async () => (await other.call('status', id)) === 'lost');
  }

  it('does not give an id that was started anew and has completed back to its old owner', async () => {
    const [a, b] = [await add(), await add()];
    await suspend(a, b, 'r1');
    await b.call('start', 'r1', ['new 1', 'new 2']);
    await until(async () => (await b.call('status', 'r1')) === 'completed');
    a.resume();
    const c = await add();
    // From the first moment on, and until each node has spoken several times.
    for (const end = Date.now() + 2 * LEASE_MS; Date.now() < end; await sleep(30)) {
      for (const node of [a, b, c]) expect(await node.call('status', 'r1')).toBe('completed');
    }
    for (const node of [a, b, c]) {
      expect(await node.call('collect', 'r1')).toEqual({ seen: ['new 1', 'new 2'], end: 'ended' });
      expect(await node.call('owned')).toEqual([]);
    }
    expect(await sourceOf(a, 'r1')).toMatchObject({ reason: 'SSE_RUN_LOST', finished: true });
    expect(await a.call('warnings')).toEqual([expect.stringMatching(/^Run "r1" was lost: /)]);
  });

  it('leaves an id that was started anew to its new owner', async () => {
    const [a, b, c] = [await add(), await add(), await add()];
    await suspend(a, b, 'r2');
    expect([await b.call('list'), await c.call('list')]).toEqual([[], []]);
    await b.call('startEndless', 'r2', 'new');
    const listed = (await c.call('list')) as [string, string][];
    expect(listed.map(([id]) => id)).toEqual(['r2']);
    a.resume();
    await until(async () => (await sourceOf(a, 'r2')).finished);
    await sleep(2 * LEASE_MS);
    for (const node of [a, b, c]) expect(await node.call('status', 'r2')).toBe('running');
    expect([await a.call('owned'), await b.call('owned')]).toEqual([[], ['r2']]);
    for (const node of [a, b, c]) expect(await node.call('list')).toEqual(listed);
    expect(await a.call('stop', 'r2')).toBe(true);
    // The source counts its last value when the pause after it is over.
    await until(async () => (await sourceOf(b, 'r2')).finished);
    const { yielded } = await sourceOf(b, 'r2');
    for (const node of [a, b, c]) {
      expect(await node.call('status', 'r2')).toBe('stopped');
      const { seen, end } = (await node.call('collect', 'r2')) as { seen: unknown[]; end: unknown };
      expect([seen.length, seen.at(0), seen.at(-1), end]).toEqual([yielded + 1, 'new 0', 'stopped', 'ended']);
    }
  });

  it('does not take a lost id back if nobody has started it anew', async () => {
    const [a, b] = [await add(), await add()];
    await suspend(a, b, 'r3');
    a.resume();
    await until(async () => (await sourceOf(a, 'r3')).finished);
    await sleep(LEASE_MS);
    for (const node of [a, b]) {
      expect(await node.call('status', 'r3')).toBe('lost');
      expect(await node.call('collect', 'r3')).toMatchObject({ end: 'SSE_RUN_LOST' });
    }
  });

  it('is lost when its owner is killed, with its events, and can be started anew', async () => {
    const [a, b, c] = [await add(), await add(), await add()];
    await a.call('startEndless', 'r5', 'old');
    await until(async () => (await sourceOf(a, 'r5')).yielded > 5);
    expect([await b.call('status', 'r5'), await c.call('status', 'r5')]).toEqual(['running', 'running']);
    const listed = (await c.call('list')) as [string, string][];
    expect(listed).toEqual([['r5', expect.stringMatching(/.:\d+$/)]]);
    await a.kill();
    await until(async () => (await b.call('status', 'r5')) === 'lost');
    expect([await b.call('list'), await c.call('list')]).toEqual([[], []]);
    const { seen, end } = (await c.call('collect', 'r5')) as { seen: unknown[]; end: unknown };
    expect([seen.slice(0, 3), end]).toEqual([['old 0', 'old 1', 'old 2'], 'SSE_RUN_LOST']);
    await b.call('start', 'r5', ['new']);
    await until(async () => (await c.call('status', 'r5')) === 'completed');
  });

  it('goes on after a suspension that is shorter than the lease', async () => {
    const [a, b] = [await add(), await add()];
    await a.call('startEndless', 'r4', 'only');
    expect(await b.call('status', 'r4')).toBe('running');
    for (let i = 0; i < 3; i++) {
      a.suspend();
      await sleep(LEASE_MS / 4);
      a.resume();
      await sleep(LEASE_MS / 2);
    }
    expect([await a.call('status', 'r4'), await b.call('status', 'r4')]).toEqual(['running', 'running']);
    expect(await b.call('stop', 'r4')).toBe(true);
    expect(await a.call('warnings')).toEqual([]);
  });
}

describeRedisServer('runs of processes that are suspended, over Redis', () =>
  suite(() => RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always')),
);

await describePostgres('runs of processes that are suspended, over PostgreSQL', (url) =>
  suite(async () => ({ url, schema: testSchema(), remove: async () => undefined })),
);
