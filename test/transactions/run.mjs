// Events of transactions: exactly those of the committed rows, in the order of the commits, while processes are killed.
// Needs `npm run build`, and a PostgreSQL server that it starts itself. `--short` for CI, `--transactions N` for another number.
import { Channels } from 'nestjs-event-stream';
import { postgresLog } from 'nestjs-event-stream/postgres';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { PostgresServer, hasPostgresServer } from '../fixtures/postgres-server.mjs';

const { values } = parseArgs({
  options: { short: { type: 'boolean' }, transactions: { type: 'string' }, workers: { type: 'string' } },
});
const TRANSACTIONS = Number(values.transactions ?? (values.short ? 3000 : 100_000));
const WORKERS = Number(values.workers ?? 3);
const CHANNELS = 12;
/** A worker is killed after this many transactions of all workers, and the server after some more. */
const KILL_EVERY = values.short ? 300 : 1500;
const KILL_SERVER_EVERY = values.short ? 1500 : 12_000;
const SETTLE_MS = 60_000;
const OPTIONS = { maxEvents: false, maxBytes: false, maxAgeMs: 86_400_000 };

if (!hasPostgresServer()) {
  console.error('\n!!! SKIPPED, there is no PostgreSQL server: apt-get install postgresql\n');
  process.exit(process.env.CI === 'true' ? 1 : 0);
}

const running = new Set();
process.on('exit', () => {
  for (const worker of running) worker.kill('SIGKILL');
});
// An exit also ends the database: see `PostgresServer`.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    console.error(`Stopped by ${signal}, with nothing shown.`);
    process.exit(130);
  });
}

const started = Date.now();
const server = await PostgresServer.start('track_commit_timestamp=on', 'max_connections=100');
const names = Array.from({ length: CHANNELS }, (_, i) => `channel-${i}`);
const viewers = [view('notified', {}), view('polling', { listen: false })];
const killed = { workers: 0, server: 0 };
await query('CREATE TABLE rows (id uuid PRIMARY KEY, channel text NOT NULL, n integer NOT NULL)');
for (const { ready } of viewers) await ready;

let done = 0;
const workers = Array.from({ length: WORKERS }, start);
for (let nextKill = KILL_EVERY, nextServer = KILL_SERVER_EVERY; done < TRANSACTIONS; await sleep(5)) {
  if (done >= nextKill) {
    nextKill += KILL_EVERY;
    const at = Math.floor(Math.random() * WORKERS);
    killed.workers++;
    await kill(workers[at]);
    workers[at] = start();
  }
  if (done >= nextServer) {
    nextServer += KILL_SERVER_EVERY;
    killed.server++;
    await server.kill();
    await sleep(Math.random() * 1000);
    await server.start();
  }
}
await Promise.all(workers.map(kill));
// Sessions of processes that were killed end by themselves.
await sleep(500);

const committed = await query('SELECT id, channel FROM rows ORDER BY pg_xact_commit_timestamp(xmin), n');
const expected = new Map(names.map((name) => [name, []]));
for (const { id, channel } of committed) expected.get(channel).push(id);
viewers.push(view('afterwards', {}));
const problems = [];
for (const viewer of viewers) problems.push(...(await compare(viewer)));
const outbox = await query('SELECT count(*)::int AS left FROM sse.sse_outbox');
if (outbox[0].left > 0) problems.push(`${outbox[0].left} rows are left in the outbox`);

console.log(
  `transactions: ${done}, half of them rolled back, by ${WORKERS} processes with 8 connections each; ` +
    `${committed.length} committed rows in ${CHANNELS} channels; workers killed ${killed.workers}×, PostgreSQL killed ${killed.server}×; ` +
    `${((Date.now() - started) / 1000).toFixed(0)} s`,
);
for (const problem of problems.slice(0, 10)) console.log(`  ${problem}`);
console.log(
  problems.length === 0
    ? 'events equal committed rows, in the order of the commits, for every viewer'
    : `WRONG: ${problems.length} problems`,
);
for (const { channels } of viewers) await channels.close();
await server.remove();
process.exit(problems.length === 0 ? 0 : 1);

function view(name, options) {
  const channels = new Channels({
    log: postgresLog({ client: server.url, createSchema: true, ...OPTIONS, ...options }),
  });
  const seen = new Map();
  const ready = [];
  for (const channel of names) {
    const ids = [];
    seen.set(channel, ids);
    const subscription = channels.channel(channel).subscribe({ from: 'oldest' });
    ready.push(subscription.ready);
    void (async () => {
      for await (const { type, data } of subscription) ids.push(type === 'gap' ? 'gap' : data.id);
    })();
  }
  return { name, channels, seen, ready: Promise.all(ready) };
}

async function compare({ name, seen }) {
  const isComplete = () => names.every((channel) => seen.get(channel).length >= expected.get(channel).length);
  for (const end = Date.now() + SETTLE_MS; !isComplete() && Date.now() < end;) await sleep(50);
  // Nothing comes after that.
  await sleep(1500);
  return names.flatMap((channel) => {
    const [got, want] = [seen.get(channel), expected.get(channel)];
    const at = want.findIndex((id, i) => got[i] !== id);
    if (at === -1 && got.length === want.length) return [];
    const where = at === -1 ? want.length : at;
    return [`${name}, ${channel}: ${got.length} events, ${want.length} rows; they differ at ${where}`];
  });
}

function start() {
  const worker = fork(join(import.meta.dirname, 'worker.mjs'), [server.url, `${CHANNELS}`]);
  running.add(worker);
  worker.once('exit', () => running.delete(worker));
  worker.on('message', (count) => (done += count));
  return worker;
}

async function kill(worker) {
  const gone = once(worker, 'exit');
  worker.kill('SIGKILL');
  await gone;
}

async function query(text) {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query(text);
  await client.end();
  return rows;
}
