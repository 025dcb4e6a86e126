import { Channels } from 'nestjs-event-stream';
import {
  migrations,
  postgresLog,
  postgresSlots,
  type PostgresLogOptions,
  type PostgresSlotsOptions,
} from 'nestjs-event-stream/postgres';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describePostgresServer, runSql } from '../fixtures/postgres.js';
import { PostgresServer } from '../fixtures/postgres-server.mjs';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { Viewer, until } from '../redis/viewer.js';

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const request = { key: 'k', max: 1, replaceOldest: false, onReplaced: () => undefined };

describePostgresServer('wrong credentials for PostgreSQL', () => {
  let server: PostgresServer;
  let address = '';
  let closing: { close(): unknown }[] = [];

  beforeAll(async () => {
    server = await PostgresServer.start();
    address = `PostgreSQL at 127.0.0.1:${server.port}/postgres`;
    for (const { sql } of migrations()) await runSql(server.url, sql);
    await runSql(
      server.url,
      `CREATE ROLE app LOGIN;
       CREATE ROLE other LOGIN PASSWORD 'other-secret';
       GRANT USAGE ON SCHEMA sse TO app, other;
       GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sse TO app, other;
       GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA sse TO app, other;`,
    );
    const rules = ['trust', 'scram-sha-256'].map(
      (how, i) => `host all ${i === 0 ? 'postgres' : 'all'} 127.0.0.1/32 ${how}\n`,
    );
    writeFileSync(join(server.folder, 'data', 'pg_hba.conf'), rules.join(''));
    await runSql(server.url, 'SELECT pg_reload_conf()');
  });
  beforeEach(() => setPassword('right-secret'));
  afterEach(async () => {
    await Promise.all(closing.map((each) => each.close()));
    closing = [];
    await runSql(server.url, 'TRUNCATE sse.sse_events, sse.sse_leases');
  });
  afterAll(() => server.remove());

  const setPassword = (password: string) => runSql(server.url, `ALTER ROLE app PASSWORD '${password}'`);

  function as(user: string, password: string): string {
    return `postgres://${user}:${password}@127.0.0.1:${server.port}/postgres`;
  }

  function node(options: Partial<PostgresLogOptions> = {}) {
    const logger = new RecordingLogger();
    const log = postgresLog({ client: as('other', 'other-secret'), waitMs: 30_000, ...options });
    const channels = new Channels({ log, logger });
    closing.push(channels);
    return { log, channels, logger };
  }

  function slots(options: Partial<PostgresSlotsOptions> = {}) {
    const logger = new RecordingLogger();
    const store = postgresSlots({ client: as('app', 'wrong-secret'), leaseMs: 3_600_000, ...options });
    store.useLogger(logger);
    closing.push(store);
    return { store, logger };
  }

  /** One line that names the server, the reason and the remedy. */
  const oneLine = () => [
    expect.stringMatching(
      new RegExp(`${address} is not available \\(.*authentication failed.*: check user and password\\)`),
    ) as string,
  ];

  it.each([
    ['a connection string', () => as('app', 'wrong-secret')],
    ['options', () => ({ ...at(), user: 'app', password: 'wrong-secret' })],
    ['a function', () => ({ ...at(), user: 'app', password: async () => 'wrong-secret' })],
  ])(
    'in %s: the log rejects events with the reason, and works once the password is corrected',
    async (_, client) => {
      const right = node();
      const wrong = node({ client: client(), waitMs: 3000 });
      const failures = [
        await wrong.log.ready().catch((error: unknown) => error),
        await wrong.channels
          .channel('c')
          .publish('lost')
          .catch((error: unknown) => error),
      ];
      for (const failure of failures) {
        expect(failure).toMatchObject({
          code: 'SSE_LOG_UNAVAILABLE',
          message: expect.stringMatching(/authentication failed.*: check user and password/) as string,
        });
      }
      const health = wrong.channels.health();
      expect(health).toMatchObject({ status: 'down', error: { code: 'SSE_LOG_UNAVAILABLE' } });
      const waiting = new Viewer(wrong.channels, 'c', { from: 'oldest' });
      await right.channels.channel('c').publish(numbers(0, 10));
      const viewer = new Viewer(right.channels, 'c', { from: 'oldest' });
      await viewer.until(9);
      expect(wrong.logger.warnings).toEqual(oneLine());

      await setPassword('wrong-secret');
      await until(() => wrong.channels.health().status === 'up');
      await wrong.channels.channel('c').publish('last');
      for (const each of [viewer, waiting]) {
        await each.until('last');
        expect(each.seen).toEqual([...numbers(0, 10), 'last']);
      }
      expect(wrong.logger.warnings).toHaveLength(1);
      expect(right.logger.warnings).toEqual([]);
      const told = inspect([failures, health, wrong.logger], { depth: 20, showHidden: true });
      expect(told).not.toContain('secret');
    },
  );

  const at = () => ({ host: '127.0.0.1', port: server.port, database: 'postgres' });

  it('the limits count the streams of the process, or refuse new ones, and are shared once the password is corrected', async () => {
    const allowing = slots();
    const refusing = slots({ whileAway: 'refuse' });
    const right = slots({ client: as('other', 'other-secret') });
    expect(await allowing.store.acquire([request])).toHaveProperty('slot');
    expect(await allowing.store.acquire([request])).toHaveProperty('full');
    const failure = await refusing.store.acquire([request]).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'SSE_LOG_UNAVAILABLE',
      message: expect.stringMatching(/authentication failed.*: check user and password/) as string,
    });
    const held = await right.store.acquire([request]);
    expect(held).toHaveProperty('slot');
    if ('slot' in held) held.slot.release();

    await leases(0);

    await setPassword('wrong-secret');
    // The process registers its place. It would lose it to a stream that came before that.
    await leases(1);
    expect(await right.store.acquire([request])).toHaveProperty('full');
    while (!(await refusing.store.acquire([request]).then(hasFull, () => false)))
      await new Promise((resolve) => setTimeout(resolve, 20));
    for (const { logger } of [allowing, refusing]) expect(logger.warnings).toEqual(oneLine());
    expect(allowing.logger.warnings[0]).toContain('counts its own streams');
    expect(refusing.logger.warnings[0]).toContain('503');
    expect(right.logger.warnings).toEqual([]);
    const told = inspect([failure, allowing.logger, refusing.logger], { depth: 20, showHidden: true });
    expect(told).not.toContain('secret');
  });

  type Answer = Awaited<ReturnType<ReturnType<typeof slots>['store']['acquire']>>;
  const hasFull = (answer: Answer): boolean => 'full' in answer;
  /** Resolves when this number of places is taken. */
  async function leases(count: number): Promise<void> {
    while ((await runSql(server.url, 'SELECT FROM sse.sse_leases')).rowCount !== count)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  it('for the notifications alone: one line with their address, and polling, until the password is corrected', async () => {
    const listen = as('app', 'wrong-secret').replace('127.0.0.1', 'localhost');
    const made = node({ listen });
    const viewer = new Viewer(made.channels, 'c');
    await viewer.ready;
    await node().channels.channel('c').publish('polled');
    await viewer.until('polled');
    await until(() => made.logger.warnings.length > 0);
    expect(made.channels.health().status).toBe('up');
    expect(made.logger.warnings).toEqual([
      expect.stringMatching(
        new RegExp(
          `no notifications from PostgreSQL at localhost:${server.port}/postgres ` +
            '\\(.*authentication failed.*: check user and password\\)',
        ),
      ),
    ]);
    expect(made.logger.warnings.join()).not.toContain('secret');
  });

  it('a password that changes under open connections: they serve everything that waits, and nothing is rejected', async () => {
    const made = node({ client: as('app', 'right-secret'), maxConnections: 8, waitMs: false });
    await made.channels.channel('c0').publish('first');
    await setPassword('changed-secret');
    const names = numbers(0, 40).map((n) => `c${n}`);
    const viewers = names.map((name) => new Viewer(made.channels, name, { from: 'oldest' }));
    await Promise.all(
      names.map(async (name) => {
        for (const n of numbers(0, 5)) await made.channels.channel(name).publish(n);
      }),
    );
    for (const viewer of viewers) await viewer.until(4);
    expect(made.channels.health().status).toBe('up');
    expect(made.logger.warnings).toEqual([]);
  });

  it('a password that has changed when the server restarts: one line, and nothing is lost or twice once it is right', async () => {
    const made = node({ client: as('app', 'right-secret') });
    const limits = slots({ client: as('app', 'right-secret') });
    const other = node();
    const viewers = [made, other].map(({ channels }) => new Viewer(channels, 'c'));
    await Promise.all(viewers.map(({ ready }) => ready));
    expect(await limits.store.acquire([request])).toHaveProperty('slot');
    await made.channels.channel('c').publish(0);
    await setPassword('changed-secret');
    await server.stop();
    await until(() => [made, other].every(({ channels }) => channels.health().status === 'down'));
    const waiting = numbers(1, 20).map((n) => made.channels.channel('c').publish(n));
    await server.start();
    await until(() => other.channels.health().status === 'up');
    await other.channels.channel('c').publish('other');
    await viewers[1]?.until('other');
    await until(() => inspect(made.channels.health().error).includes('check user and password'));
    expect(await limits.store.acquire([request])).toHaveProperty('full');
    await setPassword('right-secret');
    await Promise.all(waiting);
    for (const viewer of viewers) {
      await viewer.until(19);
      expect(viewer.seen).toEqual([0, 'other', ...numbers(1, 20)]);
    }
    await until(() => made.channels.health().status === 'up');
    expect(made.logger.warnings).toHaveLength(1);
    await until(() => limits.logger.warnings.length === 1);
    expect(inspect([made.logger, limits.logger])).not.toContain('secret');
  });
});
