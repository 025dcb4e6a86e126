import { createServer } from 'node:net';
import { nextTurn, nowMicros, sleep } from './clock.mjs';
import { payload } from './payload.mjs';

/**
 * Publishes events, as fast as the clients acknowledge them or at a fixed rate. It runs in the server's process, like
 * the code of an application. Clients report over a separate socket how many events all of them have.
 */
export class Publisher {
  #publish;
  #acknowledged = 0;
  #wake = () => {};
  #server;

  constructor(publish) {
    this.#publish = publish;
  }

  /** Listens for acknowledgements and resolves with the port. */
  async listen() {
    this.#server = createServer((socket) => {
      let rest = '';
      socket.setNoDelay(true).on('error', () => {});
      socket.on('data', (text) => {
        const lines = (rest + text.toString('latin1')).split('\n');
        rest = lines.pop();
        if (lines.length > 0) this.#acknowledged = Number(lines.at(-1));
        this.#wake();
      });
    });
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this.#server.address().port;
  }

  close() {
    this.#server.close();
  }

  /**
   * `perTurn` events a turn of the event loop, never more than `window` ahead of the slowest acknowledgement, until
   * `ms` are over or `max` are sent. With `rate` (events a second) at that pace instead.
   */
  async run({ ms, max = Infinity, perTurn = 1, window = Infinity, rate, pad }) {
    this.#acknowledged = 0;
    const startedAt = nowMicros();
    const end = startedAt + ms * 1000;
    let sent = 0;
    while (sent < max && nowMicros() < end) {
      if (rate) await this.#untilDue(startedAt + (sent / rate) * 1e6);
      while (sent - this.#acknowledged >= window && nowMicros() < end) await this.#acknowledgement();
      let published;
      for (let i = 0; i < perTurn && sent < max; i++) published = this.#publish(payload(sent++, pad));
      await published;
      await nextTurn();
    }
    return { sent, startedAt };
  }

  async #untilDue(at) {
    const ms = (at - nowMicros()) / 1000;
    if (ms >= 1) await sleep(ms);
  }

  #acknowledgement() {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 500);
      this.#wake = () => (clearTimeout(timer), resolve());
    });
  }
}
