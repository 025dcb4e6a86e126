// The cost of channels in memory: events a second, latency, memory. Prints; asserts nothing. Needs `npm run build`.
//   node --expose-gc bench/memory-figures.mjs
import { Channels, memoryLog } from '../dist/esm/index.js';

const SIZES = [1, 100, 10_000];
const SUBSCRIPTIONS = 10_000;
const SECONDS = 3;
const PER_SECOND = 500;
const now = () => Number(process.hrtime.bigint() / 1000n) / 1000;
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
const turn = () => new Promise(setImmediate);
const named = (channels, i) => channels.channel(`channel:${i}`);

/** Subscribes to several channels, and records how long each event took. */
function watch(channels, count) {
  const latencies = [];
  for (let i = 0; i < count; i++) {
    const subscription = named(channels, i).subscribe();
    const take = () => {
      for (let batch = subscription.take(); batch; batch = subscription.take()) {
        const at = now();
        for (let k = 0; k < batch.size; k++) latencies.push(at - batch.event(k).data.at);
      }
    };
    subscription.onReadable(take);
    take();
  }
  return latencies;
}

async function publishedFor(channels, count) {
  const end = now() + SECONDS * 1000;
  let published = 0;
  for (; now() < end; published++) {
    await named(channels, published % count).publish({ at: now(), text: 'x'.repeat(80) });
    await turn();
  }
  return published / SECONDS;
}

async function publishPaced(channels, count) {
  const begun = now();
  for (let i = 0; i < PER_SECOND * SECONDS; i++) {
    while (now() < begun + (i * 1000) / PER_SECOND) await new Promise((resolve) => setTimeout(resolve, 1));
    await named(channels, i % count).publish({ at: now(), text: 'x'.repeat(80) });
  }
  await turn();
}

for (const count of SIZES) {
  const busy = new Channels({ log: memoryLog() });
  watch(busy, count);
  const rate = await publishedFor(busy, count);
  const paced = new Channels({ log: memoryLog() });
  const latencies = watch(paced, count);
  await publishPaced(paced, count);
  latencies.sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((q) => quantile(latencies, q).toFixed(3));
  console.log(
    `${count} channels: ${Math.round(rate)} events/s, one a turn; publish to receive p50 ${p50} ms, p99 ${p99} ms`,
  );
  await Promise.all([busy.close(), paced.close()]);
}

for (const { what, nameOf } of [
  { what: 'one channel', nameOf: () => 0 },
  { what: 'a channel of its own', nameOf: (i) => i },
]) {
  if (!globalThis.gc) throw new Error('Run it with --expose-gc.');
  const channels = new Channels({ log: memoryLog() });
  const heap = async () => (await turn(), gc(), gc(), process.memoryUsage().heapUsed);
  const before = await heap();
  const all = Array.from({ length: SUBSCRIPTIONS }, (_, i) => named(channels, nameOf(i)).subscribe());
  for (const subscription of all) {
    subscription.onReadable(() => undefined);
    subscription.take();
  }
  console.log(
    `an idle subscription to ${what}: ${Math.round(((await heap()) - before) / SUBSCRIPTIONS)} bytes of heap`,
  );
  await channels.close();
}
