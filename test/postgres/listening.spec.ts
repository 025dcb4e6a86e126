import { Controller, Inject } from '@nestjs/common';
import { Channels, Sse } from 'nestjs-event-stream';
import { postgresLog, postgresSlots } from 'nestjs-event-stream/postgres';
import { openStream } from 'nestjs-event-stream/testing';
import pg from 'pg';
import { closeApps, eachAdapter, makeApp } from '../e2e/adapters.js';
import { describePostgres, runSql, testSchema } from '../fixtures/postgres.js';
import { heldTimers } from '../fixtures/held-timers.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { RedisProxy } from '../fixtures/redis-proxy.js';
import { Viewer } from '../redis/viewer.js';

/** Without notifications, nothing would be seen during a test. */
const NO_POLLING = { pollMs: 3_600_000, pingMs: 60_000, waitMs: 60_000, createSchema: true };
const NO_RENEWING = { leaseMs: 3_600_000, pingMs: 60_000, createSchema: true };

await describePostgres('the connection that listens', (url) => {
  let names = 0;
  let client = '';
  let schema = '';
  let closing: { close(): unknown }[] = [];

  beforeEach(() => {
    client = as(`listening-${process.pid}-${names++}`);
    schema = testSchema();
  });
  afterEach(async () => {
    await closeApps();
    await Promise.all(closing.map((each) => each.close()));
    closing = [];
  });

  /** The database, to which connections show under this name. */
  function as(name: string, database?: string): string {
    const named = new URL(url);
    named.searchParams.set('application_name', name);
    if (database) named.pathname = database;
    return named.href;
  }

  /** The processes of the server that listen for the options of this test. */
  async function listening(to = client): Promise<number[]> {
    const name = new URL(to).searchParams.get('application_name');
    const text =
      "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND query LIKE ANY (ARRAY['LISTEN%', 'UNLISTEN%'])";
    return (await runSql(url, text, [name])).rows.map(({ pid }: { pid: number }) => pid);
  }

  async function listeningTo(count: number): Promise<void> {
    while ((await listening()).length !== count) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  function log(options: Partial<Parameters<typeof postgresLog>[0]> = {}): Channels {
    const made = new Channels({ log: postgresLog({ client, schema, ...NO_POLLING, ...options }) });
    closing.push(made);
    return made;
  }

  function slots(options: Partial<Parameters<typeof postgresSlots>[0]> = {}) {
    const made = postgresSlots({ client, schema, ...NO_RENEWING, ...options });
    closing.push(made);
    return made;
  }

  /** Another node publishes until the channels hear a notification of it. Those from before they listened are lost. */
  async function hears(channels: Channels, options: Partial<Parameters<typeof postgresLog>[0]> = {}) {
    const other = log({ ...options, client: as('other') });
    const viewer = new Viewer(channels, `c${names++}`);
    await viewer.ready;
    for (let n = 0; viewer.seen.length === 0; n++) {
      await other.channel(`c${names - 1}`).publish(n);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await viewer.leave();
  }

  /** Another node evicts leases until one of these slots hears of it. */
  async function hearsOfEvictions(store: ReturnType<typeof slots>, options = {}) {
    const other = slots({ ...options, client: as('other') });
    let replaced = false;
    const request = { key: 'k', max: 1, replaceOldest: true, onReplaced: () => void (replaced = true) };
    while (!replaced) {
      await store.acquire([request]);
      await other.acquire([{ ...request, onReplaced: () => undefined }]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('is shared by a log and slots, and a log that closes does not make the slots deaf', async () => {
    const [channels, store] = [log(), slots()];
    await hears(channels);
    await hearsOfEvictions(store);
    expect(await listening()).toHaveLength(1);
    await channels.close();
    await hearsOfEvictions(store);
    expect(await listening()).toHaveLength(1);
    const again = log();
    await hears(again);
    await store.close();
    await hears(again);
    expect(await listening()).toHaveLength(1);
    await again.close();
    await listeningTo(0);
  });

  it('is shared by logs of the same pool', async () => {
    const pool = new pg.Pool({ connectionString: client, max: 3 });
    const all = [log({ client: pool }), log({ client: pool, pingMs: 50_000 })] as const;
    for (const each of all) await hears(each);
    expect(await listening()).toHaveLength(1);
    await all[0].close();
    await hears(all[1]);
    await pool.end();
  });

  it('runs one statement at a time, as clients of "pg" require', async () => {
    let overlaps = 0;
    class Counting extends pg.Client {
      private running = 0;
      override query(...args: unknown[]): never {
        if (this.running++ > 0) overlaps++;
        const answer = (super.query as (...all: unknown[]) => Promise<unknown>)(...args);
        const answered = () => void this.running--;
        answer.then(answered, answered);
        return answer as never;
      }
    }
    const pool = new pg.Pool({
      connectionString: client,
      Client: Counting as never,
      // Else an attempt would have the time of a ping.
      connectionTimeoutMillis: 30_000,
    });
    const [channels, store] = [log({ client: pool, pingMs: 50 }), slots({ client: pool, pingMs: 50 })];
    const others = [0, 1, 2].map(() => log({ client: pool, schema: testSchema(), pingMs: 50 }));
    await Promise.all(others.map((other) => other.channel('c').publish(1)));
    await hears(channels);
    await hearsOfEvictions(store);
    expect(overlaps).toBe(0);
    await pool.end();
  });

  it('is shared by schemas, which do not hear each other', async () => {
    const other = testSchema();
    const [a, b] = [log(), log({ schema: other })];
    await hears(a);
    await hears(b, { schema: other });
    expect(await listening()).toHaveLength(1);
  });

  it('is made again when it is lost, once for all', async () => {
    const [channels, store] = [log(), slots()];
    await hears(channels);
    await hearsOfEvictions(store);
    const [pid] = await listening();
    await runSql(url, 'SELECT pg_terminate_backend($1)', [pid]);
    await hears(channels);
    await hearsOfEvictions(store);
    const found = await listening();
    expect(found).toHaveLength(1);
    expect(found).not.toContain(pid);
  });

  it('is replaced without a warning, and if that fails for a while, there is one', async () => {
    const { clock, waiting, elapse } = heldTimers(5000);
    const proxy = await RedisProxy.start(url);
    closing.push(proxy);
    const listen = new URL(client);
    listen.port = String(proxy.port);
    const logger = new RecordingLogger();
    const made = postgresLog({ client, schema, ...NO_POLLING, listen: listen.href, clock, waitMs: 60_000 });
    const channels = new Channels({ log: made, logger });
    closing.push(channels);
    await hears(channels);
    const { link } = made as unknown as { link: { isListening: boolean } };
    const before = proxy.accepted;
    proxy.cut();
    while (proxy.accepted === before || !link.isListening)
      await new Promise((resolve) => setTimeout(resolve, 5));
    elapse();
    expect(logger.warnings).toEqual([]);
    waiting.clear();
    proxy.close();
    while (waiting.size === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    elapse();
    expect(logger.warnings).toEqual([
      expect.stringMatching(
        /^The event log receives no notifications from PostgreSQL at .+ \(.+\)\. It asks/,
      ),
    ]);
  });

  it('and all others are made again after the client could not be made, as with a certificate that is replaced', async () => {
    let isMissing = false;
    let failures = 0;
    class Reading extends pg.Client {
      constructor(config: pg.ClientConfig) {
        if (isMissing) failures++;
        if (isMissing) throw new Error('ENOENT: no such file, open root.pem');
        super(config);
      }
    }
    const pool = new pg.Pool({ connectionString: client, Client: Reading as never });
    const [channels, store] = [log({ client: pool }), slots({ client: pool })];
    await hears(channels);
    await hearsOfEvictions(store);
    isMissing = true;
    const name = new URL(client).searchParams.get('application_name');
    await runSql(url, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      name,
    ]);
    const waiting = channels.channel('c').publish('meanwhile');
    while (failures < 6) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(channels.health().status).toBe('down');
    isMissing = false;
    expect(await waiting).toEqual(expect.any(String));
    await hears(channels);
    await hearsOfEvictions(store);
    await pool.end();
  });

  it('is another one for another database', async () => {
    const database = `listening_${process.pid}`;
    await runSql(url, `CREATE DATABASE ${database}`);
    try {
      const to = as(new URL(client).searchParams.get('application_name') ?? '', database);
      const [a, b] = [log(), log({ client: to })];
      await hears(a);
      await b.channel('c').publish(1);
      await listeningTo(2);
      await b.close();
      await listeningTo(1);
      await hears(a);
    } finally {
      await runSql(url, `DROP DATABASE ${database} WITH (FORCE)`);
    }
  });

  eachAdapter((adapter) => {
    @Controller()
    class Feeds {
      constructor(@Inject(Channels) private readonly channels: Channels) {}
      @Sse('feed', { limit: { key: 'route', max: 1, status: 'replace' } })
      feed() {
        return this.channels.channel('feed').subscribe();
      }
    }

    it('is shared by two applications in one process, and one that closes does not make the other deaf', async () => {
      const open = (to = client) => {
        const log = postgresLog({ client: to, schema, ...NO_POLLING });
        const slots = postgresSlots({ client: to, schema, ...NO_RENEWING });
        return makeApp(adapter, { controllers: [Feeds], sse: { log, slots } });
      };
      const [a, b, elsewhere] = [await open(), await open(), await open(as('other'))] as const;
      for (const app of [a, b]) {
        await openStream(app, '/feed');
        await hears(app.get(Channels));
      }
      expect(await listening()).toHaveLength(1);
      await a.close();
      await hears(b.get(Channels));
      const stream = await openStream(b, '/feed');
      const taking = await openStream(elsewhere, '/feed');
      // The other node has taken the only place. Without the notification, this stream would never end.
      await stream.rest();
      expect(await listening()).toHaveLength(1);
      await taking.close();
      await b.close();
      await listeningTo(0);
    });
  });
});
