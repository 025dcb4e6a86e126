import { SHORT, check, eventually, pause, quantile, timely, type Fault } from './fault.js';
import { request } from './lab.js';

const SECONDS = SHORT ? 3 : 10;
const RATE = 1024;

/** One client that reads a kilobyte a second, and one that reads everything. */
export const slowReader: Fault = {
  name: 'a reader of 1 KB/s beside a fast one',
  async run(lab) {
    const slow = await lab.connect(request('/flood'), { readBytes: RATE / 8 });
    const timer = setInterval(() => slow.read(), 1000 / 8);
    const latencies: number[] = [];
    const fast = await lab.get('/ticks');
    fast.keep = false;
    fast.onText = (text) => {
      for (const [, sent] of text.matchAll(/data: (\d+) /g)) {
        latencies.push(Number(process.hrtime.bigint() - BigInt(sent ?? 0)) / 1e6);
      }
    };
    await pause(SECONDS * 1000);
    clearInterval(timer);
    const { connections } = await lab.stats();
    check(connections === 2, 'one of them was cut off');
    const ids = [...slow.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    const late =
      timely(
        slow.bytes >= SECONDS * RATE * 0.7 && slow.bytes <= SECONDS * RATE * 1.3,
        `the slow one got ${slow.bytes} bytes`,
      ) + timely(latencies.length > SECONDS * 50, `the fast one got ${latencies.length} events`);
    check(ids.length > 0 && latencies.length > 0, 'one of them got nothing');
    check(
      ids.every((id, i) => id === i),
      'the slow one missed something',
    );
    slow.leave();
    fast.leave();
    await eventually('they are gone', async () => (await lab.stats()).connections === 0);
    return (
      `slow: ${slow.bytes} bytes in ${SECONDS} s, events 0 to ${ids.length - 1} without a gap; ` +
      `fast: ${latencies.length} events, p99 ${quantile(latencies, 0.99).toFixed(2)} ms${late}`
    );
  },
};

const GENERATORS = SHORT ? 200 : 1000;

/** Generators of a thousand clients that do not read. None is pulled for more than its response holds. */
export const thousandGenerators: Fault = {
  name: `${GENERATORS} stalled generators`,
  options: { stallMs: 60_000 },
  async run(lab) {
    const before = await lab.stats();
    await lab.stalled(GENERATORS, '/flood');
    await eventually('all are open', async () => (await lab.stats()).connections === GENERATORS);
    let last = -1;
    let now = await lab.stats();
    // Until the kernel takes no more from any client.
    while (now.queuedBytes !== last) {
      last = now.queuedBytes;
      await pause(500);
      now = await lab.stats();
    }
    const each = now.queuedBytes / GENERATORS;
    // The high-water mark of the response, and one joined write beyond it.
    check(each <= 2 * 65_536, `${each} bytes wait for each`);
    const heap = (now.heapBytes - before.heapBytes) / GENERATORS;
    return `${(each / 1024).toFixed(1)} KB wait for each, ${(heap / 1024).toFixed(1)} KB of heap each`;
  },
};
