import { ScriptedServer, broken, status, stream } from '../../test/fixtures/client/scripted-server.js';
import { main, streamUrl } from './client.js';

const TEN = Array.from(
  { length: 10 },
  (_, i) => `event: message\ndata: {"msg": "hello", "idx": ${i}}\nid: ${i}\n\n`,
);

describe('the client program of tRPC-Cpp', () => {
  let server: ScriptedServer;
  afterEach(() => server.stop());

  async function run(url: string): Promise<{ exitCode: number; out: string[]; err: string[] }> {
    const out: string[] = [];
    const err: string[] = [];
    const exitCode = await main(url, {
      log: (line: string) => void out.push(line),
      error: (line: string) => void err.push(line),
    });
    return { exitCode, out, err };
  }

  it('prints each event as it was received, and the end', async () => {
    server = await ScriptedServer.start(stream(TEN.join('')));
    expect(await run(server.url)).toEqual({
      exitCode: 0,
      out: [
        'Received SSE event - id: 0, event: message, data: {"msg": "hello", "idx": 0}',
        'Received SSE event - id: 1, event: message, data: {"msg": "hello", "idx": 1}',
        'Received SSE event - id: 2, event: message, data: {"msg": "hello", "idx": 2}',
        'Received SSE event - id: 3, event: message, data: {"msg": "hello", "idx": 3}',
        'Received SSE event - id: 4, event: message, data: {"msg": "hello", "idx": 4}',
        'Received SSE event - id: 5, event: message, data: {"msg": "hello", "idx": 5}',
        'Received SSE event - id: 6, event: message, data: {"msg": "hello", "idx": 6}',
        'Received SSE event - id: 7, event: message, data: {"msg": "hello", "idx": 7}',
        'Received SSE event - id: 8, event: message, data: {"msg": "hello", "idx": 8}',
        'Received SSE event - id: 9, event: message, data: {"msg": "hello", "idx": 9}',
        'SSE stream finished',
      ],
      err: [],
    });
    expect(server.requests).toHaveLength(1);
  });

  it('prints the same if the server ends with the reserved id', async () => {
    server = await ScriptedServer.start(stream(`${TEN.join('')}id: ~end\n\n`));
    const { exitCode, out } = await run(server.url);
    expect([exitCode, out.length, out.at(-1)]).toEqual([0, 11, 'SSE stream finished']);
  });

  it.each([
    ['answers something else', status(404, {}, 'no\nsuch route'), /answered 404/],
    ['breaks off', broken(TEN[0] as string), / broke off: /],
  ])('fails with one line, after one request, if the server %s', async (_what, script, reason) => {
    server = await ScriptedServer.start(script);
    const { exitCode, out, err } = await run(server.url);
    expect(exitCode).toBe(1);
    expect(out).not.toContain('SSE stream finished');
    expect(err).toEqual([expect.stringMatching(/^SSE stream failed: [^\n]+$/)]);
    expect(err[0]).toMatch(reason);
    expect(server.requests).toHaveLength(1);
  });

  it('fails with one line if there is no server', async () => {
    server = await ScriptedServer.start();
    const { url } = server;
    await server.stop();
    const { exitCode, out, err } = await run(url);
    expect([exitCode, out]).toEqual([1, []]);
    expect(err).toEqual([expect.stringMatching(/^SSE stream failed: .*ECONNREFUSED[^\n]*$/)]);
    server = await ScriptedServer.start();
  });

  it.each([
    ['http://example.org/x', {}, 'http://example.org/x'],
    ['http://example.org/x', { DEMO_URL: 'http://localhost:4000' }, 'http://example.org/x'],
    [undefined, { DEMO_URL: 'http://localhost:4000/' }, 'http://localhost:4000/sse/test'],
    [undefined, {}, 'http://127.0.0.1:3000/sse/test'],
  ])('reads the address given as argument, or that of the demo: %p, %p', (argument, env, url) => {
    expect(streamUrl(argument, env)).toBe(url);
  });
});
