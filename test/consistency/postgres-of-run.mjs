import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresServer } from '../fixtures/postgres-server.mjs';

/** A PostgreSQL of this run's own, that has its data again after a crash. */
export class PostgresOfRun {
  name = 'PostgreSQL';
  #server;

  static async start() {
    const started = new PostgresOfRun();
    started.#server = await PostgresServer.start('max_connections=100');
    return started;
  }

  get url() {
    return this.#server.url;
  }

  /** The same incidents as for any other process. */
  get child() {
    const server = this.#server;
    return {
      start: () => server.start(),
      async end(signal) {
        await (signal === 'SIGKILL' ? server.kill() : server.stop());
        return true;
      },
      async freeze(ms) {
        server.freeze();
        await sleep(ms);
        server.resume();
      },
    };
  }

  remove() {
    return this.#server.remove();
  }
}
