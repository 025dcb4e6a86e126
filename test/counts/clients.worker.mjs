// Clients in their own thread, so that the server's heap and promises contain nothing of theirs.
/* eslint-disable unicorn/require-post-message-target-origin -- that is of windows; a thread has no origin */
import { connect } from 'node:net';
import { parentPort } from 'node:worker_threads';

let clients = [];

const commands = {
  /** Opens `count` connections and resolves when each has had its first bytes. */
  open: ({ port, path, count }) =>
    Promise.all(
      Array.from({ length: count }, () => {
        const client = new Client(port, path);
        clients.push(client);
        return client.opened;
      }),
    ),
  /** Resolves when each connection has received this many events. */
  received: ({ events }) => Promise.all(clients.map((client) => client.until(events))),
  close: () => {
    const closed = clients.map((client) => client.close());
    clients = [];
    return Promise.all(closed);
  },
};

parentPort.on('message', async ({ command, args }) => {
  await commands[command](args);
  parentPort.postMessage(command);
});

class Client {
  #events = 0;
  #rest = '';
  #wanted = Infinity;
  #reached = () => {};

  constructor(port, path) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`);
    this.socket.on('error', () => {});
    this.opened = new Promise((resolve) => this.socket.once('data', resolve));
    this.socket.on('data', (bytes) => this.#read(bytes));
  }

  until(events) {
    return new Promise((resolve) => {
      this.#wanted = events;
      this.#reached = resolve;
      if (this.#events >= events) resolve();
    });
  }

  close() {
    return new Promise((resolve) => {
      this.socket.once('close', resolve);
      this.socket.destroy();
    });
  }

  /** Other tests compare the bytes. Here it is enough to find the ends of events. */
  #read(bytes) {
    const parts = (this.#rest + bytes.toString('latin1')).split('\n\n');
    this.#rest = parts.pop();
    this.#events += parts.length;
    if (this.#events >= this.#wanted) this.#reached();
  }
}
