import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { sleep } from './clock.mjs';

const ATTEMPTS = 100;

/** A port that is not in use, for a program that needs a port as an argument. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** Waits until a process listens on a port. */
export async function untilListening(port) {
  for (let i = 0; i < ATTEMPTS; i++) {
    if (await accepts(port)) return;
    await sleep(50);
  }
  throw new Error(`Nobody listens on port ${port}.`);
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}
