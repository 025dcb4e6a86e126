import { writeFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Body, Controller, HttpException, RequestMethod, Req } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NEVER, concat, of } from 'rxjs';
import { LastEventId, Sse, SseConnections, event, retryAfter } from 'nestjs-event-stream';
import { run } from '../../src/cli/run.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

@Controller()
class Listened {
  @Sse('three')
  *three() {
    yield 'one';
    yield event({ type: 'progress', id: '2', data: { percent: 50 } });
    yield event({ type: 'done', data: 'a\nb' });
  }

  @Sse('endless')
  endless() {
    return concat(of('first'), NEVER);
  }

  @Sse('after', { complete: 'reconnect' })
  *after(@LastEventId() after?: string) {
    yield retryAfter(1);
    yield event({ id: String(Number(after ?? 0) + 1), data: after ?? 'none' });
  }

  @Sse('asked', { method: RequestMethod.POST })
  *asked(@Body() body: unknown, @Req() request: { headers: Record<string, string> }) {
    yield { data: [body, request.headers['x-token'] ?? null, request.headers['content-type']] };
  }

  @Sse('refused')
  refused(): string[] {
    throw new HttpException('Not you', 403);
  }

  @Sse('plain')
  plain(): object {
    return { stream: false };
  }
}

/** Collects what is printed. */
class Printed {
  text = '';
  constructor(private readonly full = false) {}
  write(text: string, written?: () => void): boolean {
    this.text += text;
    if (written) setImmediate(written);
    return !this.full;
  }
}

async function* chunks(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

eachAdapter((adapter) => {
  let app: INestApplication;
  let url: string;
  let stdout: Printed;
  let stderr: Printed;
  let controller: AbortController;

  beforeEach(async () => {
    app = await makeApp(adapter, { controllers: [Listened], sse: { heartbeat: false } });
    url = (await app.getUrl()).replace('[::1]', 'localhost');
    [stdout, stderr, controller] = [new Printed(), new Printed(), new AbortController()];
  });
  afterEach(async () => {
    controller.abort();
    await until(() => app.get(SseConnections).count() === 0);
    await closeApps();
  });

  const listen = (path: string, ...args: string[]): Promise<number> =>
    run(['listen', url + path, ...args], '1.2.3', {
      stdin: chunks('{"from":"std', 'in"}'),
      stdout,
      stderr,
      signal: controller.signal,
    });

  it('prints the events of a stream, and exits when it ends', async () => {
    expect(await listen('/three')).toBe(0);
    expect(stdout.text).toBe(
      'data: one\n\nevent: progress\nid: 2\ndata: {"percent":50}\n\nevent: done\ndata: a\ndata: b\n\n',
    );
    expect(stderr.text).toBe('');
  });

  it('prints JSON to an output that is slow', async () => {
    stdout = new Printed(true);
    expect(await listen('/three', '--json')).toBe(0);
    expect(
      stdout.text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { type: 'message', data: 'one' },
      { type: 'progress', data: { percent: 50 }, id: '2' },
      { type: 'done', data: 'a\nb' },
    ]);
  });

  it('exits after the event that it waits for, or with 3 if that event never arrives', async () => {
    expect(await listen('/three', '--until', 'progress')).toBe(0);
    expect(stdout.text).toMatch(/"percent":50\}\n\n$/);
    expect(await listen('/three', '--until', 'failed')).toBe(3);
    expect(stderr.text).toBe('# The stream ended before an event "failed" arrived.\n');
  });

  it('reconnects after the last ID, and reports it', async () => {
    const listening = listen('/after', '--last-event-id', '5');
    await until(() => stdout.text.includes('id: 8'));
    controller.abort();
    expect(await listening).toBe(0);
    expect(stdout.text).toMatch(/^id: 6\ndata: 5\n\nid: 7\ndata: 6\n\nid: 8\ndata: 7\n\n/);
    expect(stderr.text).toMatch(/^# The response ended\. Reconnecting in 0\.\d s\.\n/);
  });

  it('exits at the end of the response with --no-reconnect', async () => {
    expect(await listen('/after', '--no-reconnect')).toBe(0);
    expect(stdout.text).toBe('id: 1\ndata: none\n\n');
  });

  it('exits at once when it is interrupted', async () => {
    const listening = listen('/endless');
    await until(() => stdout.text === 'data: first\n\n');
    controller.abort();
    expect(await listening).toBe(0);
  });

  it('sends a body from the command line, from a file, or from standard input', async () => {
    const file = join(tmpdir(), `listen-${process.pid}-${adapter}.json`);
    await writeFile(file, '{"from":"file"}');
    const sent = async (...args: string[]): Promise<unknown> => {
      stdout = new Printed();
      expect(await listen('/asked', '--json', ...args)).toBe(0);
      return (JSON.parse(stdout.text) as { data: unknown }).data;
    };
    expect(await sent('--data', '{"from":"typed"}', '-H', 'X-Token: t')).toEqual([
      { from: 'typed' },
      't',
      'application/json',
    ]);
    expect(await sent('-d', `@${file}`)).toEqual([{ from: 'file' }, null, 'application/json']);
    expect(await sent('-d', '-')).toEqual([{ from: 'stdin' }, null, 'application/json']);
    const form = ['-H', 'content-type: application/x-www-form-urlencoded'];
    if (adapter === 'express') {
      expect(await sent('-d', 'a=b', ...form)).toEqual([{ a: 'b' }, null, form[1]?.split(': ')[1]]);
    }
    await rm(file);
  });

  it.each([
    ['/refused', 1, /^# GET http:.*\/refused answered 403: "\{.*Not you.*\.\n/],
    ['/plain', 1, /^# GET http:.*\/plain answered with "application\/json/],
    ['/absent', 1, /answered 404/],
  ])('exits with an error for %s', async (path, status, message) => {
    expect(await listen(path)).toBe(status);
    expect([stdout.text, stderr.text]).toEqual(['', expect.stringMatching(message)]);
  });

  it.each<[args: string[], message: RegExp]>([
    [['-X', 'TRACE'], /Invalid option "method": "TRACE"/],
    [['-H', 'a\u0001: b'], /header/i],
    [['-d', '@/does/not/exist'], /^--data @\/does\/not\/exist: ENOENT/],
    [['--wrong'], /--wrong/],
  ])('exits with 2 for %j, and names the option', async (args, message) => {
    expect(await listen('/three', ...args)).toBe(2);
    expect(stderr.text).toMatch(message);
    expect(stderr.text).toMatch(/\nRun "nestjs-event-stream --help" for the options\.\n$/);
  });

  it('says why a server is unreachable', async () => {
    const streams = { stdin: chunks(), stdout, stderr, signal: controller.signal };
    expect(await run(['listen', '127.0.0.1:1/x', '--no-reconnect'], '1.2.3', streams)).toBe(1);
    expect(stderr.text).toMatch(/^# GET http:\/\/127\.0\.0\.1:1\/x failed: .*ECONNREFUSED|bad port/);
    expect(await run(['listen', 'ftp://x'], '1.2.3', streams)).toBe(2);
    expect(await run(['--version'], '1.2.3', streams)).toBe(0);
    expect(await run(['--help'], '1.2.3', streams)).toBe(0);
    expect(stdout.text).toMatch(/^1\.2\.3\nUsage: nestjs-event-stream listen <url>/);
  });
});
