// The cost of Redis: events a second, latency, memory. Prints; asserts nothing. Needs `npm run build` and a redis-server.
//   node --expose-gc bench/redis-figures.mjs
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Channels } from '../dist/esm/index.js';
import { redisLog } from '../dist/esm/redis/index.js';

const SECONDS = 3;
const SIZES = [1, 100, 10_000];
const now = () => Number(process.hrtime.bigint() / 1000n) / 1000;
const names = (count) => Array.from({ length: count }, (_, i) => `channel:${i}`);
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
const open = (url, prefix) => new Channels({ log: redisLog({ client: url, prefix }) });

/** Subscribes to several channels, and counts the events and their latency. */
async function watch(channels, count) {
  const seen = { events: 0, latencies: [] };
  const subscriptions = names(count).map((name) => channels.channel(name).subscribe());
  await Promise.all(subscriptions.map(({ ready }) => ready));
  for (const subscription of subscriptions) {
    const take = () => {
      for (let batch = subscription.take(); batch; batch = subscription.take()) {
        const at = now();
        for (let i = 0; i < batch.size; i++) {
          seen.events++;
          if (seen.latencies.length < 1e6) seen.latencies.push(at - batch.event(i).data.at);
        }
      }
    };
    subscription.onReadable(take);
    take();
  }
  // Pub/sub subscriptions of one turn are sent together and take a moment.
  await new Promise((resolve) => setTimeout(resolve, 500 + count / 5));
  return seen;
}

/** One pending publish for each publisher, each to its next channel. */
async function publishFor(channels, count, publishers) {
  const end = now() + SECONDS * 1000;
  let published = 0;
  const one = async (start) => {
    for (let i = start; now() < end; i += publishers) {
      await channels.channel(`channel:${i % count}`).publish({
        at: now(),
        text: 'a payload of some eighty bytes, as those of a progress bar or a token are',
      });
      published++;
    }
  };
  await Promise.all(Array.from({ length: publishers }, (_, i) => one(i)));
  return published / SECONDS;
}

async function publishPaced(channels, count, perSecond) {
  const total = perSecond * SECONDS;
  const begun = now();
  for (let i = 0; i < total; i++) {
    while (now() < begun + (i * 1000) / perSecond) await new Promise((resolve) => setTimeout(resolve, 1));
    await channels.channel(`channel:${i % count}`).publish({ at: now(), text: 'x'.repeat(80) });
  }
}

/** The other process: subscribes, and reports its figures. */
async function viewer() {
  const [, , , url, prefix, count] = process.argv;
  const channels = open(url, prefix);
  const seen = await watch(channels, Number(count));
  process.send('ready');
  process.on('message', () => {
    seen.latencies.sort((a, b) => a - b);
    process.send({
      events: seen.events,
      p50: quantile(seen.latencies, 0.5),
      p99: quantile(seen.latencies, 0.99),
    });
    Object.assign(seen, { events: 0, latencies: [] });
  });
  process.on('disconnect', () => channels.close());
}

async function withViewer(url, prefix, count, run) {
  const child = fork(fileURLToPath(import.meta.url), ['viewer', url, prefix, String(count)]);
  await once(child, 'message');
  const report = async () => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.send('report');
    return (await once(child, 'message'))[0];
  };
  await run(report);
  child.disconnect();
  await once(child, 'exit');
}

async function redisCpu(url) {
  const { createClient } = await import('@redis/client');
  const client = await createClient({ url }).connect();
  const info = await client.info('cpu');
  client.destroy();
  const of = (name) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
  return of('used_cpu_user') + of('used_cpu_sys');
}

async function redisMemory(url) {
  const { createClient } = await import('@redis/client');
  const client = await createClient({ url }).connect();
  const info = await client.info('memory');
  client.destroy();
  return Number(/used_memory:(\d+)/.exec(info)?.[1]);
}

async function main() {
  const { url, stop } = await redis();
  let run = 0;
  const prefix = () => `figures-${process.pid}-${run++}:`;
  console.log('events a second, one process publishes, another watches all channels');
  for (const count of SIZES) {
    const own = prefix();
    await withViewer(url, own, count, async (report) => {
      const channels = open(url, own);
      for (const publishers of [1, 64]) {
        const before = await redisCpu(url);
        const rate = await publishFor(channels, count, publishers);
        const { events } = await report();
        const cpu = ((await redisCpu(url)) - before) / (rate * SECONDS);
        console.log(
          `  ${count} channels, ${publishers} at a time: ${Math.round(rate)} published/s, ${Math.round(events / SECONDS)} received/s, Redis ${(cpu * 1e6).toFixed(0)} µs an event`,
        );
      }
      await channels.close();
    });
  }
  console.log('publish to receive in ms, 500 events a second');
  for (const count of SIZES) {
    const own = prefix();
    const channels = open(url, own);
    const seen = await watch(channels, count);
    await publishPaced(channels, count, 500);
    seen.latencies.sort((a, b) => a - b);
    console.log(
      `  ${count} channels, one process: p50 ${quantile(seen.latencies, 0.5).toFixed(2)}, p99 ${quantile(seen.latencies, 0.99).toFixed(2)} (${seen.events} events)`,
    );
    await channels.close();
    const across = prefix();
    await withViewer(url, across, count, async (report) => {
      const publisher = open(url, across);
      await publishPaced(publisher, count, 500);
      const { p50, p99, events } = await report();
      console.log(
        `  ${count} channels, two processes: p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)} (${events} events)`,
      );
      await publisher.close();
    });
  }
  await memory(url, prefix());
  await stop();
}

async function memory(url, prefix) {
  if (!globalThis.gc) return console.log('memory: run with --expose-gc');
  const log = redisLog({ client: url, prefix });
  await log.ready();
  const heap = () => (gc(), gc(), process.memoryUsage().heapUsed);
  const [before, redisBefore] = [heap(), await redisMemory(url)];
  const count = 10_000;
  const watches = names(count).map((name) => log.watch([name], () => undefined));
  await new Promise((resolve) => setTimeout(resolve, 2000));
  console.log(
    `an idle watched channel: ${Math.round((heap() - before) / count)} bytes of heap, ${Math.round(((await redisMemory(url)) - redisBefore) / count)} in Redis`,
  );
  for (const unwatch of watches) unwatch();
  log.close();
  const channels = open(url, `${prefix}2`);
  await channels.channel('x').publish(1);
  const [start, redisStart] = [heap(), await redisMemory(url)];
  const subscriptions = names(count).map((name) => channels.channel(name).subscribe());
  await Promise.all(subscriptions.map(({ ready }) => ready));
  for (const subscription of subscriptions) subscription.take();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  console.log(
    `an idle subscription with a channel of its own: ${Math.round((heap() - start) / count)} bytes of heap, ${Math.round(((await redisMemory(url)) - redisStart) / count)} in Redis`,
  );
  await channels.close();
}

async function redis() {
  if (process.env.REDIS_URL) return { url: process.env.REDIS_URL, stop() {} };
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  const child = spawn('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], {
    stdio: 'ignore',
  });
  const there = () =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      setTimeout(() => socket.destroy(), 100);
    });
  while (!(await there())) await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => void (child.kill(), await once(child, 'exit')),
  };
}

await (process.argv[2] === 'viewer' ? viewer() : main());
