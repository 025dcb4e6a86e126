import { SHORT, check, eventually, pause, quantile, timely, type Fault } from './fault.js';
import { request, type Lab } from './lab.js';
import type { RawSocket } from './raw-socket.js';

// In the short form there is time for a new client, also on a busy machine.
const SHUTDOWN_MS = SHORT ? 5000 : 2000;

/** Everything at once: the connections that are open at the signal. */
async function everything(lab: Lab): Promise<RawSocket[]> {
  const polite = await lab.many(500, '/polite');
  await eventually('500 streams are open', () => polite.every(({ text }) => text.includes('hello')));
  await lab.stalled(25, '/flood');
  await lab.stalled(25, '/chunks');
  await lab.many(5, '/deaf');
  await lab.connect(request('/flood'), { readBytes: 128 });
  for (const client of await lab.many(10, '/silent')) client.halfClose();
  // Connections that were never used, that wait between two requests, and that are in the middle of one.
  for (let i = 0; i < 10; i++) await lab.connect();
  for (const client of await lab.many(10, '/ordinary')) await eventually('an answer', () => client.bytes > 0);
  for (let i = 0; i < 5; i++) await lab.get('/silent', 'Content-Type: text/x', 'Content-Length: 1000');
  await lab.connect(request('/polite') + request('/polite'));
  for (const client of await lab.many(10, '/chunks')) client.reset();
  await pause(300);
  return polite;
}

/** The results of new clients meanwhile: 503, or no connection. A few may arrive before the signal. */
async function knock(lab: Lab, until: () => boolean): Promise<string> {
  let [early, refused, unavailable, late] = [0, 0, 0, 0];
  while (!until()) {
    const client = await lab.get('/polite').catch(() => undefined);
    if (client) await eventually('an answer', () => client.bytes > 0 || client.closed || until());
    if (!client || client.bytes === 0) refused++;
    else if (/^HTTP\/1\.1 503 /.test(client.text)) unavailable++;
    else if (unavailable + refused === 0) early++;
    else late++;
    await pause(20);
  }
  check(late === 0, `${late} newcomers were let in`);
  check(unavailable > 0, 'no newcomer got 503');
  return `newcomers: ${early} in time, ${unavailable} got 503, ${refused} no connection`;
}

function farewells(polite: RawSocket[]): string {
  const retries = polite.map(({ text }) => {
    const [, retry] = /\nretry: (\d+)\n\n(?:\r\n[0-9a-f]+\r\n)?event: bye\ndata: \n\n/.exec(text) ?? [];
    return Number(retry);
  });
  const heard = retries.filter((retry) => retry > 0);
  check(heard.length === polite.length, `only ${heard.length} of ${polite.length} heard goodbye`);
  check(
    polite.every(({ text }) => text.endsWith('0\r\n\r\n')),
    'a body has no end',
  );
  return `${heard.length} farewells, retry from ${Math.min(...heard)} to ${Math.max(...heard)} ms, median ${quantile(heard, 0.5)}`;
}

/** A signal, as a process manager sends it. */
export const terminated: Fault = {
  name: 'SIGTERM under all of these at once',
  options: { stallMs: 60_000, shutdownMs: SHUTDOWN_MS },
  ends: true,
  async run(lab) {
    const polite = await everything(lab);
    let over = false;
    const start = performance.now();
    lab.terminate();
    const knocking = knock(lab, () => over).catch((error: unknown) => error);
    const { code, signal } = await lab.exited;
    const tookMs = performance.now() - start;
    over = true;
    const newcomers = await knocking;
    if (typeof newcomers !== 'string') throw newcomers;
    check(code === 0, `it ended with ${code ?? signal}`);
    const late = timely(tookMs < SHUTDOWN_MS + 500, `${tookMs.toFixed(0)} ms`);
    return (
      `exit code 0 after ${tookMs.toFixed(0)} ms (shutdownMs: ${SHUTDOWN_MS}); ${farewells(polite)}; ` +
      newcomers +
      late
    );
  },
};

/** `app.close()`, after which nothing keeps the process alive. */
export const closed: Fault = {
  name: 'app.close() under all of these at once',
  options: { stallMs: 60_000, shutdownMs: SHUTDOWN_MS },
  ends: true,
  async run(lab) {
    const polite = await everything(lab);
    const { tookMs, left } = await lab.ask('close');
    const late = timely(tookMs < SHUTDOWN_MS, `${tookMs.toFixed(0)} ms`);
    check(left.length === 0, `it left ${left.join(', ')}`);
    const { code, signal } = await lab.exited;
    check(code === 0, `the process ended with ${code ?? signal}`);
    return `closed in ${tookMs.toFixed(0)} ms, nothing left to keep the process alive; ${farewells(polite)}${late}`;
  },
};
