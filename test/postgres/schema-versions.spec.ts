import { Channels } from 'nestjs-event-stream';
import {
  migrations,
  postgresLog,
  postgresSlots,
  type PostgresLogOptions,
} from 'nestjs-event-stream/postgres';
import pg from 'pg';
import { PostgresLog } from '../../src/postgres/log/postgres-log.js';
import { resolvePostgresLogOptions } from '../../src/postgres/log/postgres-log.options.js';
import { STEPS, migrationsFrom, type Step } from '../../src/postgres/schema/migrations.js';
import { describePostgres, runSql, testSchema } from '../fixtures/postgres.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { Viewer, until } from '../redis/viewer.js';

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const request = { key: 'k', max: 1, replaceOldest: false, onReplaced: () => undefined };

/** A later version of the library: its tables have a column more. */
const ADDING: Step = { sql: 'ALTER TABLE $S.sse_events ADD COLUMN extra text;', compatible: 1 };
/** One after that, which removes what version 1 uses. */
const REMOVING: Step = {
  sql: `ALTER FUNCTION $S.sse_append_1 RENAME TO sse_append_3; DROP FUNCTION $S.sse_grant_1;`,
  compatible: 3,
};

await describePostgres('two versions of the tables during a rolling deploy', (url) => {
  let schema = '';
  let closing: { close(): unknown }[] = [];
  beforeEach(() => {
    schema = testSchema();
  });
  afterEach(async () => {
    await Promise.all(closing.map((each) => each.close()));
    closing = [];
  });

  function node(added: readonly Step[] = [], options: Partial<PostgresLogOptions> = {}) {
    const all = { client: url, schema, createSchema: true, waitMs: 30_000, ...options };
    const steps = [...STEPS, ...added];
    const tables = {
      version: steps.length,
      migrationsFrom: (from: number, to: string) => migrationsFrom(from, to, steps),
    };
    const logger = new RecordingLogger();
    const log =
      added.length === 0
        ? postgresLog(all)
        : new PostgresLog(all, { ...resolvePostgresLogOptions(all), tables });
    const channels = new Channels({ log, logger });
    closing.push(channels);
    return { log, channels, logger, channel: channels.channel('c') };
  }

  function slots() {
    const logger = new RecordingLogger();
    const store = postgresSlots({ client: url, schema, createSchema: true, whileAway: 'refuse' });
    store.useLogger(logger);
    closing.push(store);
    return { store, logger };
  }

  const version = async (): Promise<unknown> =>
    (await runSql(url, `SELECT version, compatible FROM "${schema}".sse_state`)).rows[0];

  /** Runs the migrations after a version, as the application would. */
  async function migrate(from: number, added: readonly Step[]): Promise<void> {
    for (const { sql } of migrationsFrom(from, schema, [...STEPS, ...added])) await runSql(url, sql);
  }

  /** A process that publishes numbers until `stop()` is called, which resolves with their count. */
  function publishing({ channel }: ReturnType<typeof node>, from: number) {
    const calls: Promise<unknown>[] = [];
    let isOver = false;
    const running = (async () => {
      while (!isOver) {
        calls.push(channel.publish(from + calls.length));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    return {
      calls,
      stop: async () => {
        isOver = true;
        await running;
        await Promise.all(calls);
        return calls.length;
      },
    };
  }

  it('with createSchema: new processes update the tables once, old ones go on, before and after a restart', async () => {
    const old = node();
    const viewer = new Viewer(old.channels, 'c', { from: 'oldest' });
    await viewer.ready;
    const publishers = [publishing(old, 0)];
    await until(() => viewer.seen.length > 20);
    const fresh = numbers(0, 3).map(() => node([ADDING]));
    await Promise.all(fresh.map(({ log }) => log.ready()));
    expect(await version()).toEqual({ version: 2, compatible: 1 });
    const other = new Viewer(fresh[0]!.channels, 'c', { from: 'oldest' });
    publishers.push(publishing(fresh[1]!, 1_000_000));
    await until(() => other.seen.includes(1_000_020));
    const restarted = node();
    await restarted.log.ready();
    publishers.push(publishing(restarted, 2_000_000));
    await until(() => other.seen.includes(2_000_020));
    const counts = [];
    for (const each of publishers) counts.push(await each.stop());
    await old.channel.publish('last');
    const expected = counts.flatMap((count, i) => numbers(i * 1_000_000, i * 1_000_000 + count));
    for (const each of [viewer, other]) {
      await each.until('last');
      const seen = each.seen.slice(0, -1) as number[];
      expect(seen.toSorted((a, b) => a - b)).toEqual(expected);
      for (const base of [0, 1_000_000, 2_000_000]) {
        const own = seen.filter((n) => n >= base && n < base + 1_000_000);
        expect(own).toEqual(own.toSorted((a, b) => a - b));
      }
    }
    expect(await version()).toEqual({ version: 2, compatible: 1 });
    for (const { logger } of [old, ...fresh, restarted]) expect(logger.warnings).toEqual([]);
  });

  it('without createSchema: a new process waits with a sentence until the migration has run, and old ones go on', async () => {
    for (const { sql } of migrations({ schema })) await runSql(url, sql);
    const old = node([], { createSchema: false });
    const viewer = new Viewer(old.channels, 'c', { from: 'oldest' });
    await old.channel.publish('old');
    const fresh = node([ADDING], { createSchema: false });
    const sentence =
      `the tables in the schema "${schema}" have version 1, and need version 2: ` +
      'run the statements of migrations(), or set createSchema: true';
    await expect(fresh.log.ready()).rejects.toMatchObject({
      code: 'SSE_LOG_UNAVAILABLE',
      message: expect.stringContaining(sentence) as string,
    });
    const waiting = fresh.channel.publish('waited');
    await old.channel.publish('meanwhile');
    await viewer.until('meanwhile');
    expect(fresh.logger.warnings).toEqual([expect.stringContaining(sentence)]);
    await migrate(1, [ADDING]);
    await waiting;
    await old.channel.publish('after');
    await viewer.until('after');
    expect(viewer.seen).toEqual(['old', 'meanwhile', 'waited', 'after']);
    expect(fresh.logger.warnings).toHaveLength(1);
    expect(old.logger.warnings).toEqual([]);
  });

  it('tables that an old process cannot use: it is refused with a sentence, also while it runs, and new ones go on', async () => {
    const old = node([], { waitMs: 5000 });
    const oldSlots = slots();
    const viewer = new Viewer(old.channels, 'c', { from: 'oldest' });
    await old.channel.publish('old');
    expect(await oldSlots.store.acquire([request])).toHaveProperty('slot');
    const fresh = node([ADDING, REMOVING]);
    await fresh.log.ready();
    expect(await version()).toEqual({ version: 3, compatible: 3 });
    const sentence =
      'which this version of the library does not know: update nestjs-event-stream on this node';
    const refused = {
      code: 'SSE_LOG_UNAVAILABLE',
      message: expect.stringContaining(sentence) as string,
    };
    await expect(old.channel.publish('lost')).rejects.toMatchObject(refused);
    await expect(oldSlots.store.acquire([request])).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    await until(() => oldSlots.logger.warnings.length > 0);
    await expect(oldSlots.store.acquire([request])).rejects.toMatchObject(refused);
    const restarted = node([], { waitMs: 300 });
    await expect(restarted.log.ready()).rejects.toMatchObject(refused);
    await expect(restarted.channel.publish('lost')).rejects.toMatchObject(refused);
    for (const { logger } of [old, restarted, oldSlots]) {
      expect(logger.warnings).toEqual([expect.stringContaining(sentence)]);
    }
    expect(viewer.seen).toEqual(['old']);
    expect(await version()).toEqual({ version: 3, compatible: 3 });
    const kept = new Viewer(fresh.channels, 'c', { from: 'oldest' });
    await kept.until('old');
  });

  it('an update that has to wait for a transaction does not hold up the old processes', async () => {
    const old = node([], { waitMs: 5000 });
    const viewer = new Viewer(old.channels, 'c', { from: 'oldest' });
    await old.channel.publish('first');
    const long = new pg.Client({ connectionString: url });
    await long.connect();
    await long.query(`BEGIN; SELECT count(*) FROM "${schema}".sse_events`);
    const fresh = node([ADDING]);
    await expect(fresh.log.ready()).rejects.toMatchObject({
      code: 'SSE_LOG_UNAVAILABLE',
      message: expect.stringMatching(/tables .* cannot be updated while .* transaction/) as string,
    });
    const waiting = fresh.channel.publish('waited');
    const publisher = publishing(old, 0);
    // The new process tries again and again meanwhile.
    await until(() => publisher.calls.length > 1000);
    const count = await publisher.stop();
    await viewer.until(count - 1);
    expect(viewer.seen).toEqual(['first', ...numbers(0, count)]);
    expect(await version()).toEqual({ version: 1, compatible: 1 });
    await long.query('COMMIT');
    await long.end();
    await waiting;
    await viewer.until('waited');
    expect(await version()).toEqual({ version: 2, compatible: 1 });
    expect(fresh.logger.warnings).toHaveLength(1);
    expect(old.logger.warnings).toEqual([]);
  });
});
