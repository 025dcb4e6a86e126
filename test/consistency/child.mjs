import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 20_000;

const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** A process that is killed, suspended and restarted, and never outlives this one. */
export class Child {
  #process;
  #start;
  #isUp;
  /** Its last output, for an error message if it does not start. */
  said = '';

  /**
   * @param start the program to run: `[command, arguments, environment]`
   * @param isUp called now and then with the output of the process, until it returns true
   */
  constructor(start, isUp) {
    this.#start = start;
    this.#isUp = isUp;
  }

  async start() {
    const [command, args, env] = this.#start();
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    children.add(child);
    this.said = '';
    const listen = (text) => (this.said = (this.said + text).slice(-4000));
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', listen);
    child.once('exit', () => children.delete(child));
    for (let waits = 0; !(await this.#isUp(this.said)); waits++) {
      if (child.exitCode !== null || waits > 1500) throw new Error(`${command} does not start: ${this.said}`);
      await sleep(20);
    }
  }

  /** Sends a signal and waits for the exit. Returns whether the signal was enough. */
  async end(signal = 'SIGKILL') {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return true;
    let enough = true;
    const timer = setTimeout(() => {
      enough = false;
      child.kill('SIGKILL');
    }, PATIENCE_MS);
    child.kill(signal);
    child.kill('SIGCONT');
    await once(child, 'exit');
    clearTimeout(timer);
    return enough;
  }

  /** Suspends it, with its connections open. */
  async freeze(ms) {
    const child = this.#process;
    child?.kill('SIGSTOP');
    await sleep(ms);
    child?.kill('SIGCONT');
  }
}
