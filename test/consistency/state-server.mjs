import { once } from 'node:events';
import { createServer } from 'node:http';

/** The events that the application has stored: `GET /:channel` answers with all events whose publishing has begun. */
export class StateServer {
  #server;

  constructor(server) {
    this.#server = server;
  }

  static async start(history) {
    const server = createServer(({ url }, response) => {
      const channel = history.channels.find(({ name }) => name === url.slice(1));
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ indexes: channel.events.map(({ index }) => index) }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new StateServer(server);
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
