import { SHORT, check, eventually, megabytes, quantile, type Fault } from './fault.js';
import type { Lab } from './lab.js';
import type { PublishOrder } from './protocol.js';

const STALLED = 50;
const EVENTS = 10_000;
const BYTES = 2000;
/** Memory for 50 clients that read nothing while 20 MB are published to each. */
const ALLOWED_BYTES = 25 << 20;

/** Many megabytes for clients that do not read. */
function crowd(what: string, path: string, to: PublishOrder['to'], bound: boolean): Fault {
  return {
    name: `${STALLED} stalled clients, ${EVENTS} events of 2 KB: ${what}`,
    options: { stallMs: 120_000, heartbeat: false },
    cold: true,
    async run(lab) {
      await lab.stalled(STALLED, path);
      await eventually('all are open', async () => (await lab.stats()).connections === STALLED);
      // A busy machine collects garbage at other times, so the short form checks only memory in use.
      const order = { to, count: EVENTS, bytes: BYTES, perTurn: 10, everyMs: 0, tidy: SHORT };
      const { tookMs, peakRssBytes, peakHeapBytes, peakBufferBytes } = await lab.ask('publish', order);
      const { connections, queuedBytes, dropped, cutOffs } = await lab.stats();
      const peak = SHORT ? peakHeapBytes + peakBufferBytes : Math.max(peakRssBytes, peakHeapBytes);
      const figures =
        (SHORT
          ? `peak growth of what is held ${megabytes(peak)}`
          : `peak growth ${megabytes(peakRssBytes)} RSS, ${megabytes(peakHeapBytes)} heap`) +
        `, in ${(tookMs / 1000).toFixed(1)} s; afterwards ${connections} open, ${megabytes(queuedBytes)} waiting, ${dropped} dropped`;
      check(!bound || peak <= ALLOWED_BYTES, `${figures}: more than ${megabytes(ALLOWED_BYTES)}`);
      check(connections + cutOffs === STALLED, `${figures}: the log tells of ${cutOffs} that were cut off`);
      return figures;
    },
  };
}

export const crowdOnChannel = crowd('a channel', '/channel', 'channel', true);
export const crowdOnSubject = crowd('an Observable, 1 MiB each, then cut off', '/live', 'subject', false);
export const crowdOnBounded = crowd(
  'an Observable, 64 KiB each, oldest dropped',
  '/live/bounded',
  'subject',
  true,
);

const LIVE = 10;
const ROUNDS = SHORT ? 1 : 5;
const STAMPS = SHORT ? 100 : 300;

/** The effect of stalled clients on live ones: the same publishing with and without them, alternately. */
function beside(what: string, path: string, to: PublishOrder['to']): Fault {
  return {
    name: `live clients beside ${STALLED} stalled ones: ${what}`,
    options: { stallMs: 120_000, heartbeat: false },
    async run(lab) {
      const [alone, together]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        alone.push(await latency(lab, path, to));
        await lab.stalled(STALLED, path);
        await lab.ask('publish', { to, count: 4000, bytes: BYTES, perTurn: 20, everyMs: 0 });
        together.push(await latency(lab, path, to));
        lab.dropClients();
        await eventually('all are gone', async () => (await lab.stats()).connections === 0);
      }
      const ratios = together.map((ms, round) => ms / (alone[round] ?? NaN));
      const [one, other, ratio] = [alone, together, ratios].map((values) => quantile(values, 0.5).toFixed(2));
      return `p99 ${one} ms without, ${other} ms with them, ${ratio} times (medians of ${ROUNDS} rounds by turns)`;
    },
  };
}

/** The 99th percentile of the time from publishing to arrival, over some seconds. */
async function latency(lab: Lab, path: string, to: PublishOrder['to']): Promise<number> {
  const times: number[] = [];
  const clients = await lab.many(LIVE, path);
  for (const client of clients) {
    client.keep = false;
    client.onText = (text) => {
      const now = process.hrtime.bigint();
      for (const [, sent] of text.matchAll(/^data: (\d{6,}) /gm))
        times.push(Number(now - BigInt(sent ?? 0)) / 1e6);
    };
  }
  await eventually('all are open', () => clients.every(({ bytes }) => bytes > 0));
  await lab.ask('publish', { to, count: STAMPS, bytes: BYTES, perTurn: 1, everyMs: 5 });
  await eventually('all has arrived', () => times.length >= STAMPS * LIVE * 0.98);
  for (const client of clients) client.leave();
  return quantile(times, 0.99);
}

export const besideOnChannel = beside('a channel', '/channel', 'channel');
export const besideOnSubject = beside('an Observable', '/live/bounded', 'subject');
