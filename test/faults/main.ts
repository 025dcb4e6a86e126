import { styleText } from 'node:util';
import { SHORT, eventually, type Fault } from './fault.js';
import { canMakeNetworks, pulledBesideHeartbeat, pulledInSilence } from './half-open.js';
import { lostSessions, resetStreams, stalledStreams, terminatedSessions } from './http2.js';
import { Lab } from './lab.js';
import { httpOneZero, reused } from './old-clients.js';
import { closed, terminated } from './shutdown.js';
import { slowReader, thousandGenerators } from './slow-reader.js';
import {
  besideOnChannel,
  besideOnSubject,
  crowdOnBounded,
  crowdOnChannel,
  crowdOnSubject,
} from './stalled-crowd.js';
import { stoppedClient } from './stopped-client.js';
import { aborts, halfCloses, resets, stalls, unfinished } from './stalls.js';

const FAULTS: readonly Fault[] = [
  stalls,
  halfCloses,
  resets,
  unfinished,
  aborts,
  reused,
  httpOneZero,
  resetStreams,
  stalledStreams,
  lostSessions,
  stoppedClient,
  pulledBesideHeartbeat,
  pulledInSilence,
  slowReader,
  thousandGenerators,
  crowdOnChannel,
  crowdOnBounded,
  crowdOnSubject,
  besideOnChannel,
  besideOnSubject,
  closed,
  terminated,
  terminatedSessions,
];
const ADAPTERS = ['express', 'fastify'];

interface Row {
  adapter: string;
  fault: string;
  held: boolean;
  outcome: string;
  growth: string;
}

/** Runs one fault against a new server, then checks the server for leaks. */
async function tryOut(fault: Fault, adapter: string): Promise<Row> {
  const lab = await Lab.start(adapter, fault);
  const row = { adapter, fault: fault.name, growth: '' };
  try {
    if (!fault.cold && !fault.alone && !fault.http2) await warmUp(lab);
    if (fault.http2) await warmUpHttp2(lab);
    const baseline = await lab.stats(true);
    const outcome = await fault.run(lab);
    const growth = fault.ends ? 'ended' : await lab.backTo(baseline);
    return { ...row, held: true, outcome, growth };
  } catch (error) {
    return { ...row, held: false, outcome: error instanceof Error ? error.message : String(error) };
  } finally {
    await lab.stop();
  }
}

const WARM_UPS = SHORT ? 1 : 3;

/** Code that has run once is compiled, so its memory does not count as a leak. */
async function warmUp(lab: Lab): Promise<void> {
  for (let round = 0; round < WARM_UPS; round++) {
    for (const path of ['/ticks', '/polite', '/live', '/channel', '/silent']) await lab.many(20, path);
    // The data that these could send would take most of the suite's time.
    for (const path of ['/chunks', '/flood']) await lab.stalled(20, path);
    await lab.ask('publish', { to: 'subject', count: 200, bytes: 2000, perTurn: 10, everyMs: 0 });
    await lab.ask('publish', { to: 'channel', count: 600, bytes: 2000, perTurn: 10, everyMs: 0 });
    lab.dropClients();
    await eventually('all are gone', async () => (await lab.stats()).sockets === 0);
  }
}

async function warmUpHttp2(lab: Lab): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const session = await lab.session();
    for (let i = 0; i < 200; i++) {
      const stream = session.request({ ':path': ['/ticks', '/chunks', '/polite', '/silent'][i % 4] });
      stream.on('error', () => undefined).on('response', () => stream.close());
    }
    await eventually('all are served', async () => (await lab.stats()).connections === 0);
    lab.dropClients();
    await eventually('all are gone', async () => (await lab.stats()).sockets === 0);
  }
}

const asked = process.argv.slice(2).filter((word) => word !== '--short');
const adapters = ADAPTERS.filter(
  (name) => !asked.some((word) => ADAPTERS.includes(word)) || asked.includes(name),
);
const names = asked.filter((word) => !ADAPTERS.includes(word));
const networks = !SHORT && canMakeNetworks();
const rows: Row[] = [];
for (const fault of FAULTS) {
  if (fault.alone && !networks) {
    console.log(`left out        ${fault.name}: it takes Linux, root and the long form`);
    continue;
  }
  if (names.length > 0 && !names.some((name) => fault.name.includes(name))) continue;
  for (const adapter of fault.http2 ? adapters.filter((name) => name === 'fastify') : adapters) {
    const start = performance.now();
    const row = await tryOut(fault, adapter);
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    rows.push(row);
    const verdict = row.held ? styleText('green', 'held  ') : styleText('red', 'FAILED');
    console.log(`${verdict} ${adapter.padEnd(8)} ${row.fault} ${styleText('dim', `${seconds} s`)}`);
    console.log(
      `       ${row.outcome}${row.growth && row.growth !== 'ended' ? ` [heap ${row.growth} above before]` : ''}`,
    );
  }
}
console.log(`\n| what was done | on | what came of it | heap afterwards |\n| --- | --- | --- | --- |`);
for (const { fault, adapter, held, outcome, growth } of rows) {
  console.log(`| ${fault} | ${adapter} | ${held ? '' : '**failed**: '}${outcome} | ${growth} |`);
}
const failed = rows.filter(({ held }) => !held).length;
console.log(`\n${rows.length - failed} held, ${failed} failed`);
process.exitCode = failed > 0 || rows.length === 0 ? 1 : 0;
