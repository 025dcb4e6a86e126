import { Channels } from 'nestjs-event-stream';
import { postgresLog, postgresSlots, type PostgresLogOptions } from 'nestjs-event-stream/postgres';
import pg from 'pg';
import { describePostgresServer, runSql } from '../fixtures/postgres.js';
import { PostgresServer } from '../fixtures/postgres-server.mjs';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { RedisProxy } from '../fixtures/redis-proxy.js';
import { Viewer, until } from '../redis/viewer.js';

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describePostgresServer('a failover of PostgreSQL to its standby', () => {
  let primary: PostgresServer;
  let standby: PostgresServer;
  /** Clients connect to it, as to the address of a database that is highly available. */
  let proxy: RedisProxy;
  let closing: { close(): unknown }[] = [];

  beforeEach(async () => {
    primary = await PostgresServer.start();
    standby = await primary.standby();
    proxy = await RedisProxy.start(primary.url);
  });
  afterEach(async () => {
    await Promise.all(closing.map((each) => each.close()));
    closing = [];
    proxy.close();
    await Promise.all([primary.remove(), standby.remove()]);
  });

  const url = (): string => `postgres://postgres@127.0.0.1:${proxy.port}/postgres`;

  function node(options: Partial<PostgresLogOptions> = {}) {
    const logger = new RecordingLogger();
    const log = postgresLog({
      client: url(),
      createSchema: true,
      waitMs: 60_000,
      maxEvents: 100_000,
      ...options,
    });
    const channels = new Channels({ log, logger });
    closing.push(channels);
    return { channels, logger, channel: channels.channel('c') };
  }

  /** A commit is acknowledged once the standby has it. */
  async function synchronous(): Promise<void> {
    await runSql(primary.url, "ALTER SYSTEM SET synchronous_standby_names = '*'");
    await runSql(primary.url, 'SELECT pg_reload_conf()');
    const text = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'";
    while ((await runSql(primary.url, text)).rowCount === 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Resolves when the standby has everything. */
  async function replicated(): Promise<void> {
    const { rows } = await runSql(primary.url, 'SELECT pg_current_wal_lsn()::text AS lsn');
    const { lsn } = rows[0] as { lsn: string };
    const text = 'SELECT FROM pg_stat_replication WHERE replay_lsn >= $1::pg_lsn';
    while ((await runSql(primary.url, text, [lsn])).rowCount === 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** The events that a new node finds in the log. */
  async function stored(last: unknown): Promise<unknown[]> {
    const viewer = new Viewer(node().channels, 'c', { from: 'oldest' });
    await viewer.until(last);
    return viewer.seen;
  }

  it('keeps what a synchronous standby has acknowledged: nothing is lost or twice, publishers and viewers go on', async () => {
    const [a, b] = [node(), node()];
    const viewer = new Viewer(b.channels, 'c', { from: 'oldest' });
    await a.channel.publish(0);
    await viewer.until(0);
    await synchronous();
    const calls: Promise<unknown>[] = [];
    let last = Infinity;
    const publishing = (async () => {
      for (let n = 1; n <= last; n++) {
        calls.push(a.channel.publish(n));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    await until(() => viewer.seen.length > 50);
    const tx = new pg.Client({ connectionString: url() });
    tx.on('error', () => undefined);
    await tx.connect();
    await tx.query('BEGIN');
    await a.channel.publish('committed', { tx });
    await tx.query('COMMIT');

    await primary.kill();
    await until(() => a.channels.health().status === 'down');
    await standby.promote();
    proxy.target = standby.port;
    await until(() => [a, b].every(({ channels }) => channels.health().status === 'up'));
    last = calls.length + 100;
    await publishing;
    await Promise.all(calls);
    await viewer.until(last);

    const kept = await stored(last);
    expect(kept.filter((value) => value !== 'committed')).toEqual(numbers(0, last + 1));
    expect(kept.filter((value) => value === 'committed')).toHaveLength(1);
    const gap = viewer.seen.indexOf('gap');
    expect(gap).toBeGreaterThan(50);
    expect(viewer.seen.slice(0, gap)).toEqual(kept.slice(0, gap));
    expect(viewer.seen.slice(gap + 1)).toEqual(kept);
    for (const { logger } of [a, b]) expect(logger.warnings.slice(1)).toEqual([]);
    await tx.end().catch(() => undefined);
  });

  it.each([
    ['after an outage', true],
    ['that no connection attempt notices', false],
  ])(
    'reports a gap to all viewers if the standby has lost acknowledged events, %s, also if nothing is published',
    async (_, isSeen) => {
      const [a, b] = [node(), node()];
      const viewer = new Viewer(b.channels, 'c', { from: 'oldest' });
      await a.channel.publish(numbers(0, 10));
      await viewer.until(9);
      await replicated();
      await standby.stop();
      const lost = await a.channel.publish(numbers(10, 20));
      await viewer.until(19);
      if (isSeen) {
        await primary.kill();
        await until(() => [a, b].every(({ channels }) => channels.health().status === 'down'));
      }
      // Without the primary, which would send it the rest.
      await standby.start('primary_conninfo=');
      await standby.promote();
      proxy.target = standby.port;
      if (!isSeen) proxy.cut();

      await viewer.until('gap');
      await until(() => viewer.seen.length >= 31);
      expect(viewer.seen).toEqual([...numbers(0, 20), 'gap', ...numbers(0, 10)]);
      const resumed = new Viewer(a.channels, 'c', { after: lost[5] as string });
      await a.channel.publish('next');
      await Promise.all([viewer.until('next'), resumed.until('next')]);
      expect(resumed.seen).toEqual(['gap', ...numbers(0, 10), 'next']);
      expect(viewer.seen.slice(20)).toEqual(resumed.seen);
      expect(await stored('next')).toEqual([...numbers(0, 10), 'next']);
    },
  );

  it.each([
    ['that ends all connections', true],
    ['after which the connection for notifications still leads to the old primary', false],
  ])('delivers by notifications of the new primary, %s', async (_, isCut) => {
    const listening = await RedisProxy.start(primary.url);
    closing.push(listening);
    const listen = `postgres://postgres@127.0.0.1:${listening.port}/postgres`;
    // Nothing is polled or renewed during the test.
    const nodes = [0, 1].map(() => node({ listen, pollMs: 3_600_000 }));
    const [a, b] = nodes as [ReturnType<typeof node>, ReturnType<typeof node>];
    const options = { client: url(), listen, createSchema: true, leaseMs: 3_600_000 } as const;
    const stores = [0, 1].map(() => postgresSlots(options));
    closing.push(...stores);
    const viewer = new Viewer(b.channels, 'c');
    await viewer.ready;
    let evicted = 0;
    const request = { key: 'k', max: 1, replaceOldest: true, onReplaced: () => void evicted++ };

    /** An event that arrives proves notifications only if the one before has arrived as well: a new connection asks once. */
    const hears = async (): Promise<void> => {
      const seen = () => viewer.seen.filter((value) => value !== 'gap').length;
      for (let n = 0, last = seen(); n < 20;) {
        await a.channel.publish('news');
        for (let turns = 0; turns < 20 && seen() === last; turns++)
          await new Promise((resolve) => setTimeout(resolve, 5));
        n = seen() > last ? n + 1 : 0;
        last = seen();
      }
      for (const before = evicted; evicted === before;) {
        for (const store of stores) await store.acquire([request]);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await hears();
    const accepted = listening.accepted;
    await replicated();
    if (isCut) await primary.kill();
    await standby.promote();
    proxy.target = standby.port;
    listening.target = standby.port;
    proxy.cut();
    // A statement of each node reaches the new primary.
    await Promise.all(nodes.map(({ channel }) => channel.publish('after')));
    await until(() => listening.accepted > accepted);
    await hears();
    for (const { channels } of nodes) expect(channels.health().status).toBe('up');
  });

  it('keeps limits: each process registers its places with the new primary', async () => {
    const options = { client: url(), createSchema: true, leaseMs: 3_600_000, whileAway: 'refuse' } as const;
    const [a, b] = [0, 1].map(() => postgresSlots(options));
    closing.push(a!, b!);
    const request = { key: 'k', max: 1, replaceOldest: false, onReplaced: () => undefined };
    expect(await a!.acquire([request])).toHaveProperty('slot');
    await replicated();
    await standby.promote();
    proxy.target = standby.port;
    proxy.cut();
    const text = 'SELECT FROM sse.sse_leases';
    while ((await runSql(standby.url, text)).rowCount === 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await b!.acquire([request])).toHaveProperty('full');
  });
});
