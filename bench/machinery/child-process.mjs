import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const STOP_WITHIN_MS = 5_000;

/** A process of the bench that answers commands over its IPC channel. */
export class Child {
  #process;
  #waiting = new Map();
  #numbers = 0;

  /** Starts `file` (a URL) and waits until it is ready. `ready` is its first message. */
  static async start(file, settings, execArgv = []) {
    const child = new Child();
    child.#process = fork(fileURLToPath(file), [JSON.stringify(settings)], {
      execArgv: ['--no-warnings', ...execArgv],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    child.#process.on('message', (message) => child.#received(message));
    child.#process.on('exit', (code, signal) => child.#exited(code ?? signal));
    child.ready = await child.#answer('ready', 30_000);
    return child;
  }

  get pid() {
    return this.#process.pid;
  }

  /** Runs a command in the child, and resolves with its result. */
  ask(command, args = {}, timeoutMs = 60_000) {
    if (this.exited !== undefined) return Promise.reject(new Error(`The process ended (${this.exited}).`));
    const id = ++this.#numbers;
    this.#process.send({ id, command, args });
    return this.#answer(id, timeoutMs, command);
  }

  async stop() {
    if (this.exited !== undefined) return;
    const exit = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_WITHIN_MS);
    await exit;
    clearTimeout(timer);
  }

  #answer(id, timeoutMs, command = id) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`No answer to "${command}" within ${timeoutMs} ms.`));
      }, timeoutMs);
      this.#waiting.set(id, {
        resolve: (value) => (clearTimeout(timer), resolve(value)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
    });
  }

  #received({ id, result, error }) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }

  #exited(how) {
    this.exited = how;
    for (const { reject } of this.#waiting.values()) reject(new Error(`The process ended (${how}).`));
    this.#waiting.clear();
  }
}

/** The other end of {@link Child}, in the process that was started. Ends with its parent. */
export function answer(commands, ready) {
  process.on('message', async ({ id, command, args }) => {
    try {
      process.send({ id, result: await commands[command](args) });
    } catch (error) {
      process.send({ id, error: error?.stack ?? String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
  process.send({ id: 'ready', result: ready });
}

/** The arguments of a process that {@link Child.start} started. */
export function givenSettings() {
  return JSON.parse(process.argv[2] ?? '{}');
}
