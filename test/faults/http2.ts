import { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect } from 'node:net';
import { SHORT, check, eventually, quantile, timely, type Fault } from './fault.js';
import type { Lab } from './lab.js';

const SESSIONS = 10;
const CYCLES = Number(process.env['FAULT_CYCLES'] ?? (SHORT ? 1000 : 10_000));
const PATHS = ['/silent', '/ticks', '/chunks', '/flood', '/polite', '/live', '/channel', '/ordinary'];

const CODES = [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_INTERNAL_ERROR];

/** A request. Its response is not read, unless a test reads it. */
function get(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = session.request({ ':path': path, accept: 'text/event-stream' });
  stream.on('error', () => undefined);
  return stream;
}

function head(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('response', () => resolve());
    stream.once('close', () => resolve());
  });
}

async function none(lab: Lab): Promise<void> {
  await eventually('they are gone', async () => (await lab.stats()).connections === 0);
}

/** Streams that are reset at every moment of their life. Their sessions stay. */
export const resetStreams: Fault = {
  name: `HTTP/2: ${CYCLES} streams made and reset`,
  // A reset without an error code, of a stream with more data than its window, is found by the next check.
  options: { heartbeat: 1000, stallMs: 4000 },
  http2: true,
  async run(lab) {
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => lab.session()));
    const lane = async (session: ClientHttp2Session, from: number): Promise<void> => {
      for (let i = from; i < CYCLES; i += SESSIONS) {
        const stream = get(session, PATHS[i % PATHS.length] ?? '/silent');
        if (i % 3 > 0) await head(stream);
        if (i % 3 > 1) await new Promise(setImmediate);
        const closed = new Promise((resolve) => stream.once('close', resolve));
        stream.close(CODES[i % CODES.length]);
        stream.resume();
        await closed;
      }
    };
    await Promise.all(sessions.map(lane));
    await none(lab);
    const { sockets } = await lab.stats();
    const usable = sessions.filter((session) => !session.closed && !session.destroyed).length;
    check(usable === SESSIONS && sockets === SESSIONS, `${usable} of ${SESSIONS} sessions are left`);
    for (const session of sessions) await head(get(session, '/ordinary'));
    return `none left, all ${SESSIONS} sessions go on`;
  },
};

/** Streams of one session that are never read, beside one that is read. */
export const stalledStreams: Fault = {
  name: 'HTTP/2: 50 stalled streams beside a live one of the same session',
  options: { stallMs: 2000, heartbeat: 1000 },
  http2: true,
  async run(lab) {
    const session = await lab.session();
    // The streams of a session share its window: room for all, as browsers provide it.
    session.setLocalWindowSize(64 << 20);
    const [before, beside]: [number[], number[]] = [[], []];
    let times = before;
    let last = -1;
    let missed = 0;
    const live = get(session, '/ticks').setEncoding('utf8');
    live.on('data', (text: string) => {
      for (const [, sent, number] of text.matchAll(/data: (\d+) (\d+)/g)) {
        times.push(Number(process.hrtime.bigint() - BigInt(sent ?? 0)) / 1e6);
        if (Number(number) !== last + 1) missed++;
        last = Number(number);
      }
    });
    await eventually('the live one is served', () => before.length > 100);
    times = beside;
    const stalled = Array.from({ length: 50 }, (_, i) => get(session, i % 2 === 0 ? '/flood' : '/chunks'));
    const codes: number[] = [];
    for (const stream of stalled) stream.on('close', () => codes.push(stream.rstCode));
    await eventually('all are open', async () => (await lab.stats()).connections === 51);
    await eventually('they are cut off', async () => (await lab.stats()).connections === 1);
    const more = last + 100;
    await eventually('the live one goes on', () => last > more);
    for (const stream of stalled) stream.resume();
    await eventually('they are told', () => codes.length === 50);
    check(missed === 0, `the live one missed ${missed} events`);
    check(
      codes.every((code) => code === constants.NGHTTP2_CANCEL),
      `they were reset with ${[...new Set(codes)].join(', ')}`,
    );
    check(!session.closed, 'the session was closed');
    check((await lab.stats()).cutOffs === 50, 'the log does not tell of each');
    live.close(constants.NGHTTP2_CANCEL);
    await none(lab);
    const [one, other] = [before, beside].map((ms) => quantile(ms, 0.99).toFixed(2));
    return `each reset with CANCEL after stallMs, the session stays; the live one missed nothing, p99 ${one} ms before, ${other} ms beside them`;
  },
};

/** Sessions that end with all their streams: orderly, and by a reset of their connection. */
export const lostSessions: Fault = {
  name: `HTTP/2: ${SESSIONS} sessions of 50 streams, destroyed`,
  http2: true,
  async run(lab) {
    for (const how of ['reset', constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_PROTOCOL_ERROR] as const) {
      const sockets = Array.from({ length: SESSIONS }, () => connect(lab.port, '127.0.0.1'));
      const sessions = await Promise.all(sockets.map((socket) => lab.session(socket)));
      for (const session of sessions) {
        for (let i = 0; i < 50; i++) get(session, PATHS[i % 7] ?? '/silent');
      }
      await eventually('all are open', async () => (await lab.stats()).connections === SESSIONS * 50);
      if (how === 'reset') for (const socket of sockets) socket.resetAndDestroy();
      else for (const session of sessions) session.destroy(undefined, how);
      await none(lab);
    }
    return 'all streams gone with them';
  },
};

/** A signal, with sessions that are open, stalled, unresponsive and idle. */
export const terminatedSessions: Fault = {
  name: 'HTTP/2: SIGTERM with 100 streams, stalled and deaf ones',
  options: { stallMs: 60_000, shutdownMs: 2000 },
  http2: true,
  ends: true,
  async run(lab) {
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => lab.session()));
    const polite: string[] = [];
    for (let i = 0; i < 100; i++) {
      const stream = get(sessions[i % (SESSIONS - 1)] as ClientHttp2Session, '/polite').setEncoding('utf8');
      stream.on('data', (text: string) => (polite[i] = (polite[i] ?? '') + text));
    }
    // The client does not read the last session at all, so not even its window is opened.
    for (let i = 0; i < 10; i++) get(sessions[SESSIONS - 1] as ClientHttp2Session, '/chunks');
    for (const session of sessions) get(session, '/deaf').resume();
    await eventually('all are open', async () => (await lab.stats()).connections === 110 + SESSIONS);
    await eventually(
      'they are greeted',
      () => polite.filter((text) => text.includes('hello')).length === 100,
    );
    const start = performance.now();
    lab.terminate();
    const { code, signal } = await lab.exited;
    const tookMs = performance.now() - start;
    check(code === 0, `it ended with ${code ?? signal}`);
    const late = timely(tookMs < 2500, `${tookMs.toFixed(0)} ms`);
    const heard = polite.filter((text) => /retry: \d+\n\nevent: bye\ndata: \n\n/.test(text)).length;
    check(heard === 100, `only ${heard} of 100 heard goodbye`);
    return `exit code 0 after ${tookMs.toFixed(0)} ms (shutdownMs: 2000); ${heard} farewells${late}`;
  },
};
