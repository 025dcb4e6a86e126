// The cost of PostgreSQL beside Redis: appends a second, latency on another node, disk, vacuum. Prints; asserts nothing.
// Needs `npm run build`, redis-server and PostgreSQL, and starts servers of its own.
//   node bench/postgres-figures.mjs
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Channels } from '../dist/esm/index.js';
import { postgresLog } from '../dist/esm/postgres/index.js';
import { redisLog } from '../dist/esm/redis/index.js';
import { PostgresServer } from '../test/fixtures/postgres-server.mjs';
import { withRedis } from './servers/redis-server.mjs';

const SECONDS = 5;
const PACE = 200;
const PUBLISHERS = 64;
const TEXT = 'a payload of some eighty bytes, as those of a progress bar or a token are, and so on';
const now = () => performance.timeOrigin + performance.now();
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;
const names = (count) => Array.from({ length: count }, (_, i) => `channel:${i}`);

/** Opens the log of a process. `schema` keeps the runs apart. */
function open({ kind, url, schema }) {
  const log =
    kind === 'redis'
      ? redisLog({ client: url, prefix: `${schema}:` })
      : postgresLog({
          client: url,
          schema,
          createSchema: true,
          ...(kind === 'polling' && { listen: false }),
        });
  return new Channels({ log });
}

/** Publishes with `PUBLISHERS` calls at a time, and returns the number of events. */
async function publishFast(channels, count) {
  const end = now() + SECONDS * 1000;
  let published = 0;
  const one = async (start) => {
    for (let i = start; now() < end; i += PUBLISHERS) {
      await channels.channel(`channel:${i % count}`).publish({ at: now(), text: TEXT });
      published++;
    }
  };
  await Promise.all(Array.from({ length: PUBLISHERS }, (_, i) => one(i)));
  return published;
}

/** Publishes `PACE` events a second. */
async function publishPaced(channels, count) {
  const begun = now();
  const calls = [];
  for (let i = 0; i < PACE * SECONDS; i++) {
    while (now() < begun + (i * 1000) / PACE) await sleep(1);
    calls.push(channels.channel(`channel:${i % count}`).publish({ at: now(), text: TEXT }));
  }
  await Promise.all(calls);
  return calls.length;
}

/** A process that publishes when it receives a message, and reports the number of its events. */
async function publisher(setup) {
  const channels = open(setup);
  await channels.channel('warm').publish(0);
  process.send('ready');
  process.on('message', async (pace) => {
    process.send(await (pace === 'fast' ? publishFast : publishPaced)(channels, setup.count));
  });
  process.on('disconnect', () => channels.close());
}

/** A process that watches all channels, and reports the latency of their events. */
async function viewer(setup) {
  const channels = open(setup);
  const latencies = [];
  const subscriptions = names(setup.count).map((name) => channels.channel(name).subscribe());
  await Promise.all(subscriptions.map(({ ready }) => ready));
  for (const subscription of subscriptions) {
    const take = () => {
      for (let batch = subscription.take(); batch; batch = subscription.take()) {
        const at = now();
        for (let i = 0; i < batch.size; i++) latencies.push(at - batch.event(i).data.at);
      }
    };
    subscription.onReadable(take);
    take();
  }
  await sleep(1000 + setup.count / 5);
  process.send('ready');
  process.on('message', () => {
    const sorted = latencies.splice(0).sort((a, b) => a - b);
    process.send({ events: sorted.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) });
  });
  process.on('disconnect', () => channels.close());
}

async function withProcesses(roles, setup, run) {
  const children = roles.map((role) => fork(fileURLToPath(import.meta.url), [role, JSON.stringify(setup)]));
  try {
    await Promise.all(children.map((child) => once(child, 'message')));
    return await run(
      children.map((child) => async (message) => {
        const answer = once(child, 'message');
        child.send(message);
        return (await answer)[0];
      }),
    );
  } finally {
    for (const child of children) child.disconnect();
    await Promise.all(children.map((child) => once(child, 'exit')));
  }
}

let runs = 0;
// An exit also ends the database: see `PostgresServer`.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

async function throughput(server, processes) {
  const setup = { ...server, schema: `figures${runs++}`, count: 100 };
  await withProcesses(Array(processes).fill('publisher'), setup, async (publishers) => {
    const counts = await Promise.all(publishers.map((tell) => tell('fast')));
    const perSecond = counts.reduce((sum, count) => sum + count, 0) / SECONDS;
    console.log(`${server.kind}: ${Math.round(perSecond)} appends/s from ${processes} process(es)`);
  });
}

async function latency(server, count) {
  const setup = { ...server, schema: `figures${runs++}`, count };
  await withProcesses(['publisher', 'viewer'], setup, async ([publish, report]) => {
    // The first events find code that is not compiled and channels that have just been opened.
    await publish('paced');
    await sleep(100);
    await report('report');
    const published = await publish('paced');
    await sleep(2000);
    const { events, p50, p99 } = await report('report');
    const figures = `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (${events} of ${published} events)`;
    console.log(`${server.kind}, ${count} channels: ${figures}`);
    const many = (await publish('fast')) / SECONDS;
    await sleep(2000);
    const received = (await report('report')).events / SECONDS;
    console.log(`  at full speed: ${Math.round(many)} published/s, ${Math.round(received)} received/s`);
  });
}

/**
 * How long PostgreSQL takes to commit one row, at the same pace: the floor of every latency. Rows are sent when they are due, as
 * events are: if they waited for the one before, a pause of the disk would count once, and not for all that arrive in it.
 */
async function commits(url) {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  await pool.query('CREATE TABLE floor (at float8, text text)');
  const latencies = [];
  const calls = [];
  const begun = now();
  for (let i = 0; i < 2 * PACE * SECONDS; i++) {
    while (now() < begun + (i * 1000) / PACE) await sleep(1);
    const start = now();
    const answer = pool.query('INSERT INTO floor VALUES ($1, $2)', [start, TEXT]);
    calls.push(answer.then(() => i >= PACE * SECONDS && latencies.push(now() - start)));
  }
  await Promise.all(calls);
  latencies.sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((q) => quantile(latencies, q).toFixed(1));
  console.log(`a commit of one row, nothing else: p50 ${p50} ms, p99 ${p99} ms`);
  await pool.end();
}

/** The room that events take, and what vacuum does after they are removed. */
async function disk(url) {
  const schema = 'figures_disk';
  const channels = open({ kind: 'polling', url, schema });
  const batch = Array.from({ length: 500 }, () => ({ at: now(), text: TEXT }));
  for (let i = 0; i < 100; i++) await channels.channel(`channel:${i % 100}`).publish(batch);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const bytes = async () =>
    Number(
      (await client.query(`SELECT pg_total_relation_size('${schema}.sse_events') AS bytes`)).rows[0].bytes,
    );
  console.log(`disk: ${Math.round((await bytes()) / 50_000)} bytes for an event of ${TEXT.length} letters`);
  for (let i = 0; i < 300; i++) await channels.channel(`channel:${i % 100}`).publish(batch);
  const before = await bytes();
  const started = now();
  await client.query(`VACUUM ${schema}.sse_events`);
  const took = now() - started;
  for (let i = 0; i < 200; i++) await channels.channel(`channel:${i % 100}`).publish(batch);
  const mebibytes = (size) => `${(size / 1_048_576).toFixed(1)} MiB`;
  console.log(
    `vacuum: 200,000 events appended, of which each channel keeps 1000: ${mebibytes(before)}; VACUUM took ${took.toFixed(0)} ms; ` +
      `after 100,000 more: ${mebibytes(await bytes())}`,
  );
  await client.end();
  await channels.close();
}

async function main() {
  const postgres = await PostgresServer.start('max_connections=200');
  try {
    await withRedis(async ({ url }) => {
      const servers = [
        { kind: 'notify', url: postgres.url },
        { kind: 'polling', url: postgres.url },
        { kind: 'redis', url },
      ];
      await commits(postgres.url);
      for (const server of [servers[0], servers[2]]) for (const n of [1, 4]) await throughput(server, n);
      for (const count of [1, 100, 10_000]) for (const server of servers) await latency(server, count);
      await disk(postgres.url);
    });
  } finally {
    await postgres.remove();
  }
}

const [, , role, setup] = process.argv;
const ROLES = { publisher, viewer };
await (role ? ROLES[role](JSON.parse(setup)) : main());
