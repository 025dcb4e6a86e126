import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import type { ListenCommand } from './command-line.js';
import { listen, type Output } from './listen.js';

const command = (url: string, given: Partial<ListenCommand> = {}): ListenCommand => ({
  ...{ url, method: undefined, data: undefined, headers: [], lastEventId: undefined },
  ...{ json: false, until: undefined, reconnect: false },
  ...given,
});

/** An output that keeps its text. With `slow`, each write means backpressure, and is over in a later turn. */
function output(isTTY: boolean, slow = false): Output & { text: string } {
  const kept = {
    isTTY,
    text: '',
    write(text: string, written?: () => void): boolean {
      kept.text += text;
      if (written) setImmediate(written);
      return !slow;
    },
  };
  return kept;
}

async function* nothing(): AsyncGenerator<string> {}

describe('the command "listen"', () => {
  let server: Server;
  let url: string;
  let answer: (response: ServerResponse) => void;
  const { env } = process;

  beforeAll(async () => {
    server = createServer((_request, response) => answer(response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => server.close());
  beforeEach(() => (process.env = { ...env }));
  afterEach(() => (process.env = env));

  const send = (text: string): void => {
    answer = (response) => response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(text);
  };

  it('sends no control character of the server to a terminal without colors', async () => {
    process.env['NO_COLOR'] = '1';
    const [stdout, stderr] = [output(true), output(true)];
    const { signal } = new AbortController();
    send('data: a\u001b[2J\n\n');
    expect(await listen(command(url), { stdin: nothing(), stdout, stderr, signal })).toBe(0);
    expect(stdout.text).toBe('data: a\\x1b[2J\n\n');
  });

  it('leaves no listener at its signal, however often its output is slow', async () => {
    const [stdout, stderr] = [output(false, true), output(false)];
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    send('data: a\n\n'.repeat(50));
    expect(await listen(command(url), { stdin: nothing(), stdout, stderr, signal })).toBe(0);
    expect(listeners).toBe(0);
  });

  it('ends if it is interrupted while it waits for standard input', async () => {
    const [stdout, stderr] = [output(false), output(false)];
    const controller = new AbortController();
    const stdin = new PassThrough();
    const status = listen(command(url, { data: '-' }), { stdin, stdout, stderr, signal: controller.signal });
    setImmediate(() => controller.abort());
    expect(await status).toBe(0);
    expect([stdout.text, stderr.text, stdin.destroyed]).toEqual(['', '', true]);
  });
});
