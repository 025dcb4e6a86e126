import { StreamSocket } from './stream-socket.mjs';

/** Clients that open a stream and never read from it again. */
export class StalledClients {
  #streams = [];
  #closed = 0;

  async open({ port, path, total }) {
    await Promise.all(Array.from({ length: total }, () => this.#one({ port, path })));
    return { open: this.#streams.length };
  }

  /** Continues to read, and returns how many clients the server has disconnected by then. */
  async wake({ withinMs }) {
    for (const { socket } of this.#streams) socket.resume();
    await new Promise((resolve) => setTimeout(resolve, withinMs));
    return { closed: this.#closed };
  }

  close() {
    for (const stream of this.#streams) stream.close();
    this.#streams = [];
  }

  #one(request) {
    return new Promise((resolve) => {
      const stream = new StreamSocket(request, {
        onHead: () => {
          // The bytes that were read together with the head are still passed on.
          stream.socket.pause();
          resolve();
        },
        onBody: () => {},
        onOver: () => stream.close(),
        onClosed: () => this.#closed++,
      });
      this.#streams.push(stream);
    });
  }
}
