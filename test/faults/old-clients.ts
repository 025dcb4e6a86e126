import { check, eventually, type Fault } from './fault.js';
import { request, type Lab } from './lab.js';
import type { RawSocket } from './raw-socket.js';

const ROUND = 25;

/** As HTTP/1.0 requires, or a client that asks to close its connection. */
function old(path: string): string {
  return `GET ${path} HTTP/1.0\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`;
}

async function each(lab: Lab, count: number, bytes: string): Promise<RawSocket[]> {
  return Promise.all(Array.from({ length: count }, () => lab.connect(bytes)));
}

/** Clients of HTTP/1.0, for which the end of the connection is the end of the body. */
export const httpOneZero: Fault = {
  name: `HTTP/1.0: ${4 * ROUND} clients that read, stall, reset and close their half`,
  options: { stallMs: 2000, heartbeat: 1000 },
  async run(lab) {
    const reading = await each(lab, ROUND, old('/ticks'));
    const stalled = await each(lab, ROUND, old('/chunks'));
    const resetting = await each(lab, ROUND, old('/flood'));
    const halves = await each(lab, ROUND, old('/silent'));
    for (const client of stalled) client.stall();
    for (const client of resetting) client.stall();
    await eventually('all are open', async () => (await lab.stats()).connections === 4 * ROUND);
    await eventually('all are answered', () =>
      [...reading, ...halves].every(({ text }) => text.includes('\r\n\r\n:\n')),
    );
    for (const client of resetting) client.reset();
    for (const client of halves) client.halfClose();
    await eventually('the others are gone', async () => (await lab.stats()).connections === ROUND);
    for (const { text } of reading) {
      const [head = '', body = ''] = text.split(/\r\n\r\n([\s\S]*)/);
      check(!/transfer-encoding/i.test(head), 'a body in chunks');
      check(/^connection: close$/im.test(head), 'a connection that would be kept');
      check(/^:\n(data: \d+ \d+\n\n)+/.test(body), 'a body that is none');
    }
    check((await lab.stats()).cutOffs >= ROUND, 'the log does not tell of each stall');
    const short = await each(lab, ROUND, old('/short'));
    await eventually('the ends come', () => short.every(({ socket }) => socket.readableEnded));
    check(
      short.every(({ text }) => text.endsWith('\r\n\r\n:\ndata: 1\n\n')),
      'an end that is none',
    );
    for (const client of reading) client.leave();
    return 'the readers served without chunks, the stalled cut off after stallMs, the others gone at once';
  },
};

const STREAMS = 1000;
const PIPELINED = 100;
/** Streams of one connection: one that is sent, and eight that may wait behind it. Further requests get 429. */
const ONE_AND_WAITING = 9;

/** One connection for many streams, one after the other and all at once. */
export const reused: Fault = {
  name: `${STREAMS} streams over one connection, and ${PIPELINED} pipelined on another`,
  async run(lab) {
    const one = await lab.connect();
    let over = 0;
    let answered: (() => void) | undefined;
    one.keep = false;
    let tail = '';
    one.onText = (text) => {
      tail = (tail + text).slice(-2000);
      const ends = tail.split('\r\n0\r\n\r\n');
      tail = ends.at(-1) ?? '';
      over += ends.length - 1;
      if (ends.length > 1) answered?.();
    };
    for (let i = 0; i < STREAMS && !one.closed; i++) {
      const end = new Promise<void>((resolve) => (answered = resolve));
      one.send(request('/short'));
      await end;
    }
    check(over === STREAMS, `${over} ends`);
    const other = await lab.connect(request('/short').repeat(PIPELINED));
    const times = (text: string): number => other.text.split(text).length - 1;
    await eventually('all are answered', () => times('HTTP/1.1 ') === PIPELINED);
    await eventually('all are whole', () => times('\r\n0\r\n\r\n') + times('"statusCode":429') === PIPELINED);
    const streams = times('HTTP/1.1 200 OK');
    check(streams >= ONE_AND_WAITING, `${streams} streams`);
    check(times('data: 1\n\n') === streams, 'an answer is not whole');
    check(times('HTTP/1.1 429 ') === PIPELINED - streams, 'something else was answered');
    // Requests that wait behind an endless stream end with their connection.
    const waiting = await lab.connect(request('/silent') + request('/polite').repeat(PIPELINED));
    await eventually('they wait', async () => (await lab.stats()).connections > 1);
    waiting.reset();
    await eventually('they are gone', async () => (await lab.stats()).connections === 0);
    check(!one.closed && !other.closed, 'a connection was closed');
    return 'each whole and in its order, 429 beyond those that may wait, no listener more';
  },
};
