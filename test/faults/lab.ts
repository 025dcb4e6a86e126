import { fork, type ChildProcess } from 'node:child_process';
import { connect, type ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { SHORT, check, eventually, megabytes, type Fault } from './fault.js';
import type { Answer, Call, Commands, Stats } from './protocol.js';
import { RawSocket } from './raw-socket.js';

/** The heap may be this much larger after a fault: compiled code, filled caches. */
const HEAP_ALLOWANCE_BYTES = (SHORT ? 6 : 3) << 20;

/** A server in its own process, and the clients that misbehave. */
export class Lab {
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private readonly clients = new Set<RawSocket>();
  private readonly sessions = new Set<ClientHttp2Session>();
  private calls = 0;
  /** How the server's process ended. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>;

  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {
    child.on('message', (answer: Answer) => {
      this.waiting.get(answer.id)?.(answer);
      this.waiting.delete(answer.id);
    });
    this.exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  }

  /** Starts the server of a fault. */
  static async start(adapter: string, { options = {}, alone, http2 }: Fault): Promise<Lab> {
    const file = fileURLToPath(new URL('./server.js', import.meta.url));
    const node = alone
      ? { execPath: 'unshare', execArgv: ['--net', process.execPath, '--expose-gc'] }
      : { execArgv: ['--expose-gc'] };
    const child = fork(file, [adapter, JSON.stringify(options), http2 ? 'http2' : 'http1'], node);
    const port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message) => resolve((message as { port: number }).port));
      child.once('exit', (code) => reject(new Error(`the server did not start (${code})`)));
    });
    return new Lab(child, port);
  }

  async ask<Name extends keyof Commands>(
    name: Name,
    ...args: Parameters<Commands[Name]>
  ): Promise<Awaited<ReturnType<Commands[Name]>>> {
    const id = ++this.calls;
    const { value, error } = await new Promise<Answer>((resolve) => {
      this.waiting.set(id, resolve);
      this.child.send({ id, name, args } satisfies Call);
    });
    if (error !== undefined) throw new Error(error);
    return value as Awaited<ReturnType<Commands[Name]>>;
  }

  stats(tidy = false): Promise<Stats> {
    return this.ask('stats', tidy);
  }

  /** Connects a client. */
  async connect(request = '', options?: { readBytes: number }): Promise<RawSocket> {
    const client = await RawSocket.connect(this.port, options);
    this.clients.add(client);
    if (request !== '') client.send(request);
    return client;
  }

  get(path: string, ...lines: string[]): Promise<RawSocket> {
    return this.connect(request(path, ...lines));
  }

  /** Connects this many clients to one path. */
  many(count: number, path: string): Promise<RawSocket[]> {
    return Promise.all(Array.from({ length: count }, () => this.get(path)));
  }

  /** Connects this many clients that do not read, and waits until the server has more data for each than it can send. */
  async stalled(count: number, path: string): Promise<RawSocket[]> {
    const clients = await this.many(count, path);
    for (const client of clients) client.stall();
    return clients;
  }

  /** An HTTP/2 session, over a socket of the caller's if one is given. */
  async session(socket?: Socket): Promise<ClientHttp2Session> {
    const session = connect(`http://127.0.0.1:${this.port}`, socket && { createConnection: () => socket });
    session.on('error', () => undefined);
    this.sessions.add(session);
    await new Promise((resolve, reject) => session.once('connect', resolve).once('error', reject));
    return session;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  terminate(): void {
    this.child.kill('SIGTERM');
  }

  dropClients(): void {
    for (const client of this.clients) client.leave();
    this.clients.clear();
    for (const session of this.sessions) session.destroy();
    this.sessions.clear();
  }

  /** When every client has left: what the server still holds compared with before. It must be nothing. */
  async backTo(baseline: Stats): Promise<string> {
    this.dropClients();
    let now = await this.stats();
    await eventually('no connection, slot or socket is left', async () => {
      now = await this.stats();
      return now.connections === 0 && now.slots === 0 && now.sockets === 0;
    });
    await eventually('the heap is back', async () => {
      now = await this.stats(true);
      return now.heapBytes - baseline.heapBytes < HEAP_ALLOWANCE_BYTES;
    }).catch(() => {
      throw new Error(`the heap has grown by ${megabytes(now.heapBytes - baseline.heapBytes)}`);
    });
    // A handler that waits between two events notices it only then.
    const noMore = async (): Promise<boolean> => (now = await this.stats()).handles <= baseline.handles;
    await eventually('the handles are back', noMore, 10_000).catch(() => undefined);
    check(now.handles <= baseline.handles, `${now.handles - baseline.handles} more handles`);
    check(now.listeners <= baseline.listeners, `${now.listeners - baseline.listeners} more listeners`);
    check(now.complaints.length === 0, `complaints: ${now.complaints.join('\n')}`);
    return megabytes(now.heapBytes - baseline.heapBytes);
  }

  async stop(): Promise<void> {
    this.dropClients();
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

/** A GET, as bytes. */
export function request(path: string, ...lines: string[]): string {
  return [`GET ${path} HTTP/1.1`, 'Host: x', 'Accept: text/event-stream', ...lines, '', ''].join('\r\n');
}
