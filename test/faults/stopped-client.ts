import { spawn } from 'node:child_process';
import { check, eventually, type Fault } from './fault.js';

const STREAMS = 20;

/** Opens this many streams, half of them endless and half silent, reports when each has its head, and reads. */
const CLIENT_PROGRAM = `
  const window = 2 ** 31 - 1;
  const session = require('node:http2').connect('http://127.0.0.1:' + process.argv[1], {
    settings: { initialWindowSize: window },
  });
  session.on('error', () => undefined);
  session.once('connect', () => session.setLocalWindowSize(window));
  let heads = 0;
  for (let i = 0; i < ${STREAMS}; i++) {
    const stream = session.request({ ':path': i % 2 === 0 ? '/flood' : '/silent', accept: 'text/event-stream' });
    stream.on('error', () => undefined).resume();
    stream.once('response', () => ++heads === ${STREAMS} && process.stdout.write('open'));
  }
`;

/** A client that the system has suspended: its connection is open, and takes nothing. */
export const stoppedClient: Fault = {
  name: `HTTP/2: a client of ${STREAMS} streams whose process is stopped`,
  options: { stallMs: 2000, heartbeat: 1000 },
  http2: true,
  async run(lab) {
    const client = spawn(process.execPath, ['-e', CLIENT_PROGRAM, String(lab.port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await new Promise((resolve) => client.stdout.once('data', resolve));
      await eventually('all are open', async () => (await lab.stats()).connections === STREAMS);
      client.kill('SIGSTOP');
      const start = performance.now();
      await eventually('they are gone', async () => (await lab.stats()).connections === 0);
      const seconds = (performance.now() - start) / 1000;
      await eventually('its connection is closed', async () => (await lab.stats()).sockets === 0);
      const { cutOffs } = await lab.stats();
      check(cutOffs > 0, 'the log does not tell of it');
      return `all gone after ${seconds.toFixed(1)} s (stallMs: 2 s) with their connection, ${cutOffs} of them in the log`;
    } finally {
      client.kill('SIGKILL');
    }
  },
};
