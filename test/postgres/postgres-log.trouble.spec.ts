import { Channels, memoryLog } from 'nestjs-event-stream';
import {
  migrations,
  postgresLog,
  postgresSlots,
  type PostgresLogOptions,
} from 'nestjs-event-stream/postgres';
import pg from 'pg';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { describePostgresServer, runSql } from '../fixtures/postgres.js';
import { blockFor, publishWhileBlocked, sent } from '../fixtures/blocked.js';
import { PostgresServer } from '../fixtures/postgres-server.mjs';
import { Viewer, until } from '../redis/viewer.js';

describePostgresServer('postgresLog in trouble', () => {
  let server: PostgresServer;
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    server = await PostgresServer.start('max_connections=12', 'superuser_reserved_connections=2');
    for (const { sql } of migrations()) await runSql(server.url, sql);
    await runSql(server.url, 'CREATE ROLE app LOGIN');
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()));
  });
  afterAll(() => server.remove());

  function node(options: Partial<PostgresLogOptions> = {}) {
    const logger = new RecordingLogger();
    const log = postgresLog({ client: server.url, waitMs: 30_000, ...options });
    const channels = new Channels({ log, logger });
    closing.push(() => channels.close());
    return { log, channels, logger };
  }

  /** A node whose first events are rejected. */
  function hasty(options: Partial<PostgresLogOptions> = {}) {
    return node({ waitMs: 3000, ...options });
  }

  function as(user: string, password = ''): string {
    const url = new URL(server.url);
    url.username = user;
    url.password = password;
    return url.href;
  }

  async function client(to = server.url): Promise<pg.Client> {
    const made = new pg.Client({ connectionString: to });
    made.on('error', () => undefined);
    await made.connect();
    closing.push(() => made.end().catch(() => undefined));
    return made;
  }

  /** The log is down with this reason, says so in one line without a password, and rejects what is published. */
  async function isDown({ log, channels, logger }: ReturnType<typeof node>, reason: RegExp): Promise<void> {
    await expect(log.ready()).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    await until(() => log.health().status === 'down');
    await expect(channels.channel('c').publish(1)).rejects.toMatchObject({
      code: 'SSE_LOG_UNAVAILABLE',
      message: expect.stringMatching(reason) as string,
    });
    expect(logger.warnings).toEqual([expect.stringMatching(reason)]);
    expect(logger.warnings.join()).not.toContain('secret');
  }

  it('a role that does not exist', () =>
    isDown(hasty({ client: as('nobody', 'secret') }), /check user and password/));

  it('a database that does not exist', () =>
    isDown(hasty({ client: server.url.replace(/postgres$/, 'missing') }), /create the database/));

  it('a schema without tables', () =>
    isDown(
      hasty({ schema: 'empty' }),
      /has no tables: run the statements of migrations\(\), or set createSchema: true/,
    ));

  it.each([
    ['a role that does not exist', () => ({ client: as('nobody', 'secret') }), /check user and password/],
    [
      'a database that does not exist',
      () => ({ client: server.url.replace(/postgres$/, 'missing') }),
      /create the database/,
    ],
    ['a schema without tables', () => ({ schema: 'empty' }), /has no tables: run the statements/],
    ['a role without privileges', () => ({ client: as('app') }), /grant the privileges/],
  ])(
    '%s, with limits: one line, and a new stream is counted in its process or rejected',
    async (_, options, reason) => {
      const request = { key: 'k', max: 1, replaceOldest: false, onReplaced: () => undefined };
      const [allowing, refusing] = (['allow', 'refuse'] as const).map((whileAway) => {
        const logger = new RecordingLogger();
        const store = postgresSlots({ client: server.url, whileAway, ...options() });
        store.useLogger(logger);
        closing.push(() => store.close());
        return { store, logger };
      }) as [Limits, Limits];
      expect(await allowing.store.acquire([request])).toHaveProperty('slot');
      expect(await allowing.store.acquire([request])).toHaveProperty('full');
      await expect(refusing.store.acquire([request])).rejects.toMatchObject({
        code: 'SSE_LOG_UNAVAILABLE',
        message: expect.stringMatching(reason) as string,
      });
      for (const { logger } of [allowing, refusing]) {
        expect(logger.warnings).toEqual([expect.stringMatching(reason)]);
        expect(logger.warnings.join()).not.toContain('secret');
      }
    },
  );

  interface Limits {
    readonly store: ReturnType<typeof postgresSlots>;
    readonly logger: RecordingLogger;
  }

  it('a role without privileges, which works once they are granted', async () => {
    const made = hasty({ client: as('app') });
    await isDown(made, /grant the privileges that docs\/postgres.md lists/);
    for (const grant of [
      'GRANT USAGE ON SCHEMA sse TO app',
      'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sse TO app',
      'GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA sse TO app',
    ])
      await runSql(server.url, grant);
    await until(() => made.channels.health().status === 'up');
    await made.channels.channel('granted').publish(1);
    const tx = await client(as('app'));
    await tx.query('BEGIN');
    await made.channels.channel('granted').publish(2, { tx });
    await tx.query('COMMIT');
    const viewer = new Viewer(made.channels, 'granted', { from: 'oldest' });
    await viewer.until(2);
    const slots = postgresSlots({ client: as('app'), whileAway: 'refuse' });
    closing.push(() => slots.close());
    const request = { key: 'k', max: 1, replaceOldest: false, onReplaced: () => undefined };
    expect(await slots.acquire([request])).toHaveProperty('slot');
  });

  it('no connection is left: one line, and it goes on when there is one', async () => {
    const others: pg.Client[] = [];
    for (;;) {
      const other = new pg.Client({ connectionString: as('app') });
      other.on('error', () => undefined);
      try {
        await other.connect();
        others.push(other);
      } catch {
        break;
      }
    }
    const made = hasty({ client: as('app') });
    await isDown(made, /raise max_connections, or use a pooler/);
    for (const other of others) await other.end();
    await until(() => made.channels.health().status === 'up');
    await made.channels.channel('full').publish(1);
    expect(made.logger.warnings).toHaveLength(1);
  });

  it('a restart and a crash: one line each, and nothing is lost, twice or out of order', async () => {
    const made = node({ waitMs: 30_000 });
    const viewer = new Viewer(made.channels, 'restart', { from: 'oldest' });
    await viewer.ready;
    const calls = [];
    for (let n = 0; n < 60; n++) {
      if (n === 20) await server.stop();
      if (n === 40) await server.kill();
      calls.push(made.channels.channel('restart').publish(n));
      if (n === 25 || n === 45) {
        await until(() => made.channels.health().status === 'down');
        await server.start();
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all(calls);
    await viewer.until(59);
    expect(viewer.seen).toEqual(Array.from({ length: 60 }, (_, n) => n));
    expect(made.logger.warnings.length).toBeLessThanOrEqual(2);
  });

  it('a transaction that stays open holds back no publisher and no reader', async () => {
    const old = await client();
    await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await old.query('SELECT pg_current_xact_id(), count(*) FROM sse.sse_events');
    const made = node({ maxEvents: 10 });
    await made.channels
      .channel('old')
      .publish('before', { tx: old })
      .catch(() => undefined);
    const ids = await made.channels.channel('old').publish(Array.from({ length: 200 }, (_, n) => n));
    await made.channels.channel('old').publish('end');
    const viewer = new Viewer(node().channels, 'old', { after: ids[199] as string });
    await viewer.until('end');
    await old.query('COMMIT');
    await viewer.until('before');
    expect(viewer.seen).toEqual(['end', 'before']);
  });

  it('a publish is not rejected if its answer has arrived while this process was suspended', async () => {
    const { channels } = hasty();
    await publishWhileBlocked(channels.channel('blocked'));
  });

  it('connects although this process was suspended for longer than an attempt may take', async () => {
    const { log } = hasty({ client: { connectionString: server.url, connectionTimeoutMillis: 1000 } });
    const ready = log.ready();
    await sent();
    blockFor(1500);
    await ready;
    expect(log.health().status).toBe('up');
  });

  it('a publish that PostgreSQL has confirmed is not rejected if the trimming after it takes longer than waitMs', async () => {
    const { log, channels } = hasty();
    await log.ready();
    const { keeper } = log as unknown as { keeper: { trim(): Promise<void> } };
    keeper.trim = () => new Promise(() => undefined);
    const id = await channels.channel('trimmed').publish(1);
    expect(id).toEqual(expect.any(String));
    const viewer = new Viewer(channels, 'trimmed', { from: 'oldest' });
    await viewer.until(1);
  });

  it('a payload of 300 KB is rejected, and 250 KB arrive', async () => {
    const made = node();
    await expect(made.channels.channel('big').publish('x'.repeat(300_000))).rejects.toMatchObject({
      code: 'SSE_EVENT_TOO_LARGE',
    });
    await made.channels.channel('big').publish('y'.repeat(250_000));
    const viewer = new Viewer(made.channels, 'big', { from: 'oldest' });
    await viewer.until('y'.repeat(250_000));
  });

  it('an id of another log is a gap, after which the subscription goes on', async () => {
    const memory = new Channels({ log: memoryLog() });
    const after = await memory.channel('moved').publish('old');
    const made = node();
    await made.channels.channel('moved').publish('kept');
    const viewer = new Viewer(made.channels, 'moved', { after });
    await viewer.until('kept');
    await made.channels.channel('moved').publish('new');
    await viewer.until('new');
    expect(viewer.seen).toEqual(['gap', 'kept', 'new']);
    await memory.close();
  });

  it('tables of a later version are used while they are compatible, and refused with a sentence when not', async () => {
    const made = node();
    await made.channels.channel('rolling').publish(1);
    await runSql(server.url, 'UPDATE sse.sse_state SET version = 99');
    const beside = node();
    await beside.channels.channel('rolling').publish(2);
    const viewer = new Viewer(made.channels, 'rolling', { from: 'oldest' });
    await viewer.until(2);
    await runSql(server.url, 'UPDATE sse.sse_state SET compatible = 99');
    await isDown(hasty(), /update nestjs-event-stream on this node/);
    await made.channels.channel('rolling').publish(3);
    await runSql(server.url, 'UPDATE sse.sse_state SET version = 1, compatible = 1');
  });
});
