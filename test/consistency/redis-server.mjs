import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Child } from './child.mjs';

/** Whether there is a `redis-server` on the PATH. */
export function hasRedisServer() {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'redis-server'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A separate Redis for this run, on a free port, which keeps its data over a restart. */
export class RedisServer {
  name = 'Redis';
  #folder = mkdtempSync(join(tmpdir(), 'sse-consistency-'));

  static async start() {
    const server = new RedisServer();
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    server.port = probe.address().port;
    probe.close();
    const options = ['--port', `${server.port}`, '--bind', '127.0.0.1', '--dir', server.#folder];
    // See docs/redis.md: only `always` loses nothing. With `everysec`, a busy disk is enough for a loss.
    options.push('--save', '', '--appendonly', 'yes', '--appendfsync', 'always');
    server.child = new Child(
      () => ['redis-server', options],
      () =>
        ask(server.port, 'PING').then(
          (answer) => answer.startsWith('+PONG'),
          () => false,
        ),
    );
    process.once('exit', () => server.#clean());
    await server.child.start();
    return server;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Answers no command for this long, but accepts them. */
  pauseClients(ms) {
    return ask(this.port, `CLIENT PAUSE ${Math.round(ms)} ALL`);
  }

  async remove() {
    await this.child.end();
    this.#clean();
  }

  #clean() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function ask(port, command) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(1000, () => socket.destroy(new Error(`no answer to ${command}`)));
    socket.once('error', reject);
    socket.once('connect', () => socket.write(`${command}\r\n`));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(String(data));
    });
  });
}
