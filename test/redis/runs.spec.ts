import { Channels, Runs, type EventLog, type RunsOptions } from 'nestjs-event-stream';
import { postgresLog } from 'nestjs-event-stream/postgres';
import { redisLog } from 'nestjs-event-stream/redis';
import { ownRuns } from '../fixtures/own-runs.js';
import { describePostgresServer } from '../fixtures/postgres.js';
import { PostgresServer } from '../fixtures/postgres-server.mjs';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedisServer } from '../fixtures/redis.js';
import { RedisServer } from '../fixtures/redis-server.js';
import { Hand, RunViewer } from '../fixtures/run-viewer.js';
import { until } from './viewer.js';

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

interface Node {
  readonly channels: Channels;
  readonly runs: Runs;
  readonly logger: RecordingLogger;
  readonly log: EventLog;
}

const OPTIONS = { maxEvents: 20_000, maxBytes: 10_000_000 };

/** A server that a test can break. */
interface Server {
  readonly url: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  freeze(): void;
  resume(): void;
  remove(): Promise<void>;
}

function suite(start: () => Promise<Server>, makeLog: (client: string) => EventLog): void {
  let server: Server;
  const open: Node[] = [];

  beforeAll(async () => {
    server = await start();
  });
  afterEach(async () => {
    for (const { runs, channels } of open.splice(0)) {
      await runs.close(500);
      await channels.close();
    }
  });
  afterAll(() => server.remove());

  function node(options: RunsOptions = {}): Node {
    const log = makeLog(server.url);
    const channels = new Channels({ log });
    const logger = new RecordingLogger();
    const made = { log, channels, logger, runs: new Runs(channels, { logger, ...options }) };
    open.push(made);
    return made;
  }

  it('are started on one node, viewed on another, stopped from a third', async () => {
    const [a, b, c] = [node(), node(), node()];
    const hand = new Hand();
    await a.runs.start('r1', hand.source);
    await expect(b.runs.start('r1', () => [])).rejects.toMatchObject({ code: 'SSE_RUN_EXISTS' });
    const early = await RunViewer.attach(b, 'r1');
    hand.give(...range(0, 1000));
    await until(() => early.seen.length === 1000);
    const late = await RunViewer.attach(c, 'r1', { after: early.ids[499] });
    expect(await c.runs.stop('r1')).toBe(true);
    expect([await early.end, early.seen]).toEqual(['ended', [...range(0, 1000), 'stopped']]);
    expect([await late.end, late.seen]).toEqual(['ended', [...range(500, 1000), 'stopped']]);
    expect(hand.signal?.aborted).toBe(true);
    expect(await b.runs.status('r1')).toBe('stopped');
    await expect(b.runs.attach('never')).rejects.toMatchObject({ code: 'SSE_RUN_UNKNOWN' });
  });

  it('have one owner, whichever nodes start them at once', async () => {
    const all = range(0, 6).map(() => node());
    for (const round of range(0, 10)) {
      const id = `race${round}`;
      const hand = new Hand();
      const started = await Promise.allSettled(all.map(({ runs }) => runs.start(id, hand.source)));
      expect(started.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(all.filter(({ runs }) => ownRuns(runs).includes(id))).toHaveLength(1);
    }
  });

  it('are lost when their node dies, and can be started anew', async () => {
    const [a, b] = [node({ leaseMs: 3000 }), node({ leaseMs: 3000 })];
    const hand = new Hand();
    await a.runs.start('r2', hand.source);
    const viewer = await RunViewer.attach(b, 'r2');
    hand.give(1);
    await until(() => viewer.seen.length === 1);
    await a.log.close();
    await until(() => viewer.over);
    expect(await viewer.end).toMatchObject({ code: 'SSE_RUN_LOST' });
    await b.runs.start('r2', () => [2]);
    const again = await RunViewer.attach(b, 'r2', { after: viewer.ids[0] });
    expect([await again.end, again.seen]).toEqual(['ended', ['gap', 2]]);
    expect(a.logger.errors).toEqual([]);
  });

  it('go on over restarts of the server, each event written once', async () => {
    // A node reconnects within 2 s and then renews its lease within a third of it. A shorter lease could be lost on a busy machine.
    const leaseMs = 6000;
    const [a, b] = [node({ leaseMs }), node({ leaseMs })];
    let n = 0;
    let going = true;
    await a.runs.start('r3', async function* () {
      for (; going; n++) {
        yield n;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    });
    const viewer = await RunViewer.attach(b, 'r3');
    for (const mark of [50, 150, 250]) {
      await until(() => viewer.seen.length > mark || viewer.over);
      await server.kill();
      await until(() => a.log.health().status === 'down' && b.log.health().status === 'down');
      await sleep(700);
      await server.start();
    }
    await until(() => viewer.seen.length > 400 || viewer.over);
    going = false;
    expect([await viewer.end, viewer.seen]).toEqual(['ended', range(0, n)]);
    expect([...a.logger.errors, ...b.logger.warnings]).toEqual([]);
  }, 30_000);

  it('go on over a server that stands still, and are not taken for lost', async () => {
    const [a, b] = [node({ leaseMs: 1500 }), node({ leaseMs: 1500 })];
    const hand = new Hand();
    await a.runs.start('r4', hand.source);
    const viewer = await RunViewer.attach(b, 'r4');
    hand.give(1);
    await until(() => viewer.seen.length === 1);
    server.freeze();
    hand.give(2);
    await sleep(3000);
    server.resume();
    hand.give(3);
    await until(() => viewer.seen.length === 3 || viewer.over);
    hand.done();
    expect([await viewer.end, viewer.seen]).toEqual(['ended', [1, 2, 3]]);
  }, 30_000);

  it('that another node views are not orphans while the server is unavailable or suspended', async () => {
    // Shorter than each outage. A busy machine must still be able to renew it in time.
    const leaseMs = 5000;
    const [a, b] = [node({ leaseMs, orphanMs: 800 }), node({ leaseMs })];
    const hand = new Hand();
    await a.runs.start('r5', hand.source);
    const viewer = await RunViewer.attach(b, 'r5');
    server.freeze();
    await sleep(6000);
    server.resume();
    await sleep(2500);
    await server.kill();
    await until(() => a.log.health().status === 'down' && b.log.health().status === 'down');
    await sleep(6000);
    await server.start();
    await until(() => a.log.health().status === 'up' && b.log.health().status === 'up');
    await sleep(2500);
    hand.give(1);
    await until(() => viewer.seen.length === 1 || viewer.over);
    hand.done();
    expect([await viewer.end, viewer.seen]).toEqual(['ended', [1]]);
    expect([...a.logger.warnings, ...b.logger.warnings]).toEqual([]);
  }, 60_000);
}

describeRedisServer('runs over a Redis', () =>
  suite(
    () => RedisServer.start(...DURABLE),
    (client) => redisLog({ client: redisClient(client), ...OPTIONS }),
  ),
);

describePostgresServer('runs over a PostgreSQL', () =>
  suite(
    () => PostgresServer.start(),
    (client) => postgresLog({ client, createSchema: true, pingMs: 1000, ...OPTIONS }),
  ),
);
