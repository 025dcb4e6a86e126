import { SHORT, check, eventually, megabytes, timely, type Fault } from './fault.js';
import { request, type Lab } from './lab.js';

/** Connections that are open or were cut off. On a busy machine the first are cut off before the last are open. */
async function seen(lab: Lab): Promise<number> {
  const { connections, cutOffs } = await lab.stats();
  return connections + cutOffs;
}

/** Clients that request an endless stream, and read nothing. */
export const stalls: Fault = {
  name: '50 clients that stop reading',
  options: { stallMs: 2000, heartbeat: 1000 },
  async run(lab) {
    const start = performance.now();
    await lab.stalled(25, '/flood');
    await lab.stalled(25, '/chunks');
    await eventually('they are all open', async () => (await seen(lab)) === 50);
    const { queuedBytes } = await lab.stats();
    await eventually('they are cut off', async () => (await lab.stats()).connections === 0);
    const seconds = (performance.now() - start) / 1000;
    // stallMs, a quarter of it at most until it is noticed, and the time to fill the kernel's buffers.
    const late = timely(seconds < 8, `${seconds.toFixed(1)} s`);
    check((await lab.stats()).cutOffs === 50, 'the log does not tell of each');
    return `cut off after ${seconds.toFixed(1)} s (stallMs: 2 s), a line in the log for each; ${megabytes(queuedBytes)} waited in all${late}`;
  },
};

/** Clients that half-close: Node considers them gone, also if bytes wait for them. */
export const halfCloses: Fault = {
  name: '100 clients that close their half',
  options: { stallMs: 2000, heartbeat: 1000 },
  async run(lab) {
    const idle = await lab.many(50, '/silent');
    const busy = await lab.many(25, '/ticks');
    const stalled = await lab.stalled(25, '/chunks');
    await eventually('they are all open', async () => (await seen(lab)) === 100);
    for (const client of [...idle, ...busy, ...stalled]) client.halfClose();
    await eventually('they are gone', async () => (await lab.stats()).connections === 0);
    await eventually('they are told', () => [...idle, ...busy].every(({ closed }) => closed));
    return 'all gone, those that read nothing after stallMs';
  },
};

const ROUNDS = SHORT ? 2 : 10;

/** Connections that are reset during a chunk: one that is being read, and one that waits in the server. */
export const resets: Fault = {
  name: `${ROUNDS * 50} resets in the middle of a chunk`,
  async run(lab) {
    let halves = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const clients = await lab.many(50, '/chunks');
      await eventually('all get something', () => clients.every(({ bytes }) => bytes > 10_000));
      if (round % 2 === 1) {
        for (const client of clients) client.stall();
        const each = async (): Promise<boolean> => (await lab.stats()).queuedBytes > 50 * 30_000;
        await eventually('a chunk waits for each', each);
      }
      for (const { text } of clients) if (!text.endsWith('x\n\n\r\n')) halves++;
      for (const client of clients) client.reset();
      await eventually('they are gone', async () => (await lab.stats()).connections === 0);
    }
    check(halves > 0, 'no chunk was cut in two');
    return `all gone; ${halves} clients had half of a chunk, the rest of one waited for ${(ROUNDS / 2) * 50}`;
  },
};

/** Connections that fail, each in another way. */
export const aborts: Fault = {
  name: `${cycles()} connections made and aborted`,
  async run(lab) {
    const total = cycles();
    let done = 0;
    const one = async (i: number): Promise<void> => {
      const client = await lab.connect();
      client.keep = false;
      const path = ['/silent', '/ticks', '/chunks', '/flood', '/polite', '/live', '/channel', '/ordinary'][
        i % 8
      ];
      const bytes = request(path ?? '/silent');
      if (i % 5 > 0) client.send(i % 5 === 1 ? bytes.slice(0, -2) : bytes);
      if (i % 5 > 2)
        await eventually('something comes', () => client.bytes > 0 || path === '/silent' || client.closed);
      if (i % 2 === 0) client.leave();
      else client.reset();
      done++;
    };
    const start = performance.now();
    await Promise.all(
      Array.from({ length: 50 }, async (_, lane) => {
        for (let i = lane; i < total; i += 50) await one(i);
      }),
    );
    await eventually('they are gone', async () => (await lab.stats()).connections === 0);
    return `${done} in ${((performance.now() - start) / 1000).toFixed(1)} s, none left`;
  },
};

function cycles(): number {
  return Number(process.env['FAULT_CYCLES'] ?? (SHORT ? 2000 : 10_000));
}

/** Requests that are never complete. */
export const unfinished: Fault = {
  name: '100 requests whose body never comes',
  options: { heartbeat: 500 },
  async run(lab) {
    const body = ['Content-Type: application/x-unread', 'Content-Length: 100000000'];
    const clients = await Promise.all(Array.from({ length: 100 }, () => lab.get('/silent', ...body)));
    await eventually('they are open', async () => (await lab.stats()).connections === 100);
    // Until the server stops reading and so does not notice the end of the connection. Kernels take some megabytes
    // before.
    const part = Buffer.alloc(1 << 20);
    await eventually('they fill up', () => {
      const taking = clients.filter(({ socket }) => socket.writableLength === 0);
      for (const client of taking) client.send(part);
      return taking.length === 0;
    });
    for (const client of clients) client.reset();
    await eventually('they are found gone', async () => (await lab.stats()).connections === 0);
    return 'found gone by the heartbeat, on sockets that nobody reads';
  },
};
