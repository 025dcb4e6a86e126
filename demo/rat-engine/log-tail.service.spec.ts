import { existsSync } from 'node:fs';
import { Pace } from '../pace.js';
import { LOGGED_SERVICES, LogFiles } from './log-files.service.js';
import { LogTail } from './log-tail.service.js';

const SLOWER_THAN_THE_TEST = 0.001;

describe('LogFiles and LogTail', () => {
  const files = new LogFiles(new Pace(SLOWER_THAN_THE_TEST));
  const tail = new LogTail();
  let leaving: AbortController;

  beforeAll(() => files.onModuleInit());
  afterAll(() => files.onApplicationShutdown());
  beforeEach(() => void (leaving = new AbortController()));
  afterEach(async () => {
    leaving.abort();
    await allGone();
  });

  async function follow(): Promise<AsyncIterator<string>> {
    const lines = await tail.follow(await files.end('worker'), leaving.signal);
    return lines[Symbol.asyncIterator]();
  }

  async function allGone(): Promise<void> {
    while (tail.pids.length > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  it('reads every line that is written after the start, and no earlier one', async () => {
    await files.append('worker', 'before');
    const lines = await follow();
    await files.append('worker', 'one', 'two');
    expect(await lines.next()).toEqual({ value: 'one', done: false });
    expect(await lines.next()).toEqual({ value: 'two', done: false });
  });

  it('runs one process per reader, which ends when the reader leaves', async () => {
    await follow();
    const [pid] = tail.pids as [number];
    expect(tail.pids).toHaveLength(1);
    expect(runs(pid)).toBe(true);
    leaving.abort();
    await allGone();
    expect(runs(pid)).toBe(false);
  });

  it('kills the process of a reader that left before it ran', async () => {
    leaving.abort();
    const lines = await follow();
    expect(await lines.next()).toEqual({ value: undefined, done: true });
    await allGone();
  });

  it('ends the process when the lines are no longer iterated', async () => {
    const lines = await follow();
    const [pid] = tail.pids as [number];
    await files.append('worker', 'one');
    await lines.next();
    await lines.return?.();
    await allGone();
    expect(runs(pid)).toBe(false);
  });

  it('fails when the process ends by itself', async () => {
    const lines = await follow();
    process.kill((tail.pids as [number])[0], 'SIGTERM');
    await expect(lines.next()).rejects.toThrow('The log can no longer be followed.');
  });

  it('fails on a machine without tail', async () => {
    const { PATH } = process.env;
    process.env['PATH'] = '';
    try {
      await expect(follow()).rejects.toThrow('The log cannot be followed on this machine.');
    } finally {
      process.env['PATH'] = PATH;
    }
    expect(tail.pids).toEqual([]);
  });

  it.each(['..', '../worker', 'worker.log', '/etc/passwd', 'WORKER', '', 'constructor'])(
    'knows no log of %p',
    async (name) => {
      await expect(files.end(name)).rejects.toThrow('There is no log of that service.');
    },
  );

  it('writes to each log separately, and deletes the logs with the application', async () => {
    const own = new LogFiles(new Pace(100));
    await own.onModuleInit();
    const ends = () => Promise.all(LOGGED_SERVICES.map((service) => own.end(service)));
    while ((await ends()).some(({ offset }) => offset === 0)) await new Promise(setImmediate);
    const { path = '' } = (await ends())[0] ?? {};
    await own.onApplicationShutdown();
    expect(existsSync(path)).toBe(false);
  });

  it('continues to read when a full log is rotated', async () => {
    const own = new LogFiles(new Pace(100));
    await own.onModuleInit();
    const position = await own.end('api');
    const lines = (await tail.follow(position, leaving.signal))[Symbol.asyncIterator]();
    await own.append('api', 'x'.repeat(1_100_000));
    while (!existsSync(`${position.path}.1`)) await new Promise(setImmediate);
    await own.append('api', 'after the rotation');
    let line = '';
    while (line !== 'after the rotation') line = String((await lines.next()).value);
    await own.onApplicationShutdown();
  });
});

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
