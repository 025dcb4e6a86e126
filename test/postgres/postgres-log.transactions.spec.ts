import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import { Channels, event, memoryLog, type Transaction } from 'nestjs-event-stream';
import { defineEvents, type } from 'nestjs-event-stream/events';
import { postgresLog, type PostgresLogOptions } from 'nestjs-event-stream/postgres';
import { redisLog } from 'nestjs-event-stream/redis';
import pg from 'pg';
import { describePostgres, runSql, testSchema } from '../fixtures/postgres.js';
import { Viewer, until } from '../redis/viewer.js';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

await describePostgres('publish() in a transaction', (url) => {
  const schema = testSchema();
  const closing: (() => Promise<unknown>)[] = [];
  let pool: pg.Pool;

  function node(options: Partial<PostgresLogOptions> = {}): Channels {
    const channels = new Channels({
      log: postgresLog({ client: url, schema, createSchema: true, ...options }),
    });
    closing.push(() => channels.close());
    return channels;
  }

  async function client(to = url): Promise<pg.Client> {
    const made = new pg.Client({ connectionString: to });
    await made.connect();
    closing.push(() => made.end().catch(() => undefined));
    return made;
  }

  async function viewer(name: string, channels = node()): Promise<Viewer> {
    const made = new Viewer(channels, name, { from: 'oldest' });
    await made.ready;
    return made;
  }

  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: url });
    const log = postgresLog({ client: url, schema, createSchema: true });
    await log.ready();
    log.close();
    await runSql(url, `CREATE TABLE "${schema}".orders (id integer PRIMARY KEY)`);
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()));
  });
  afterAll(() => pool.end());

  it('publishes with the commit, on every node, and not with a rollback', async () => {
    const channels = node();
    const [here, there] = [await viewer('orders', channels), await viewer('orders')];
    const tx = await client();
    for (const n of range(1, 7)) {
      await tx.query('BEGIN');
      await tx.query(`INSERT INTO "${schema}".orders VALUES ($1)`, [n]);
      expect(await channels.channel('orders').publish({ order: n }, { tx })).toBeUndefined();
      await tx.query(n % 2 ? 'ROLLBACK' : 'COMMIT');
    }
    const last = await channels.channel('orders').publish('last');
    await Promise.all([here.until('last'), there.until('last')]);
    const expected = [{ order: 2 }, { order: 4 }, { order: 6 }, 'last'];
    expect([here.seen, there.seen]).toEqual([expected, expected]);
    expect(there.ids.at(-1)).toBe(last);
    expect([...there.ids].sort()).toEqual(there.ids);
    const { rows } = await runSql(url, `SELECT id FROM "${schema}".orders ORDER BY id`);
    expect(rows.map(({ id }: { id: number }) => id)).toEqual([2, 4, 6]);
    expect((await runSql(url, `SELECT FROM "${schema}".sse_outbox`)).rowCount).toBe(0);
  });

  it('keeps the events of an array and of a transaction together, also during other publishes', async () => {
    const channels = node();
    const [a, b] = [await client(), await client()];
    for (const tx of [a, b]) await tx.query('BEGIN');
    for (const n of range(0, 3)) {
      await channels.channel('group').publish([`a${2 * n}`, `a${2 * n + 1}`], { tx: a });
      await channels.channel('group').publish(`b${n}`, { tx: b });
      await channels.channel('group').publish(n);
    }
    await b.query('COMMIT');
    await a.query('COMMIT');
    const seen = await viewer('group');
    await seen.until('a5');
    expect(seen.seen).toEqual([0, 1, 2, 'b0', 'b1', 'b2', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5']);
  });

  it('drops events that were published after a savepoint that is rolled back', async () => {
    const channels = node();
    const tx = await client();
    await tx.query('BEGIN');
    await channels.channel('saved').publish('kept', { tx });
    await tx.query('SAVEPOINT s');
    await channels.channel('saved').publish('dropped', { tx });
    await channels.channel('only-dropped').publish('dropped', { tx });
    await tx.query('ROLLBACK TO s');
    await channels.channel('saved').publish('after', { tx });
    await tx.query('COMMIT');
    const seen = await viewer('saved');
    await seen.until('after');
    expect(seen.seen).toEqual(['kept', 'after']);
  });

  it('is seen on other nodes if the process dies between the commit and its notification', async () => {
    const there = await viewer('died');
    const channels = node();
    const tx = await client();
    await tx.query('BEGIN');
    await channels.channel('died').publish('committed', { tx });
    await channels.close();
    await tx.query('COMMIT');
    await there.until('committed');
  });

  it('a transaction that stays open delays no other, and no reader skips its events', async () => {
    const channels = node();
    const [early, tx] = [await viewer('open', channels), await client()];
    await tx.query('BEGIN');
    await channels.channel('open').publish('late', { tx });
    await channels.channel('other').publish('late', { tx });
    const ids = await channels.channel('open').publish(range(0, 300));
    await channels.channel('other').publish('free');
    await early.until(299);
    await tx.query('COMMIT');
    const resumed = new Viewer(node(), 'open', { after: ids[99] as string });
    await Promise.all([early.until('late'), resumed.until('late')]);
    expect(early.seen).toEqual([...range(0, 300), 'late']);
    expect(resumed.seen).toEqual([...range(100, 300), 'late']);
  });

  it('every reader sees the order of the commits, with many transactions at once', async () => {
    const nodes = [node(), node(), node()];
    const viewers = await Promise.all(nodes.map((channels) => viewer('many', channels)));
    const committed: number[] = [];
    await Promise.all(
      range(0, 12).map(async (worker) => {
        const tx = await client();
        const channel = nodes[worker % nodes.length]?.channel('many');
        for (const i of range(0, 20)) {
          const n = worker * 1000 + i;
          await tx.query(i % 5 === 4 ? 'BEGIN ISOLATION LEVEL SERIALIZABLE' : 'BEGIN');
          await channel?.publish(n, { tx });
          if (i % 3 === 0) await channel?.publish(`beside ${n}`);
          await tx.query(i % 2 ? 'ROLLBACK' : 'COMMIT');
          if (i % 2 === 0) committed.push(n);
        }
      }),
    );
    await nodes[0]?.channel('many').publish('end');
    await Promise.all(viewers.map((each) => each.until('end')));
    const [first] = viewers;
    for (const each of viewers) expect(each.seen).toEqual(first?.seen);
    const ofTransactions = first?.seen.filter((value) => typeof value === 'number') as number[];
    expect([...ofTransactions].sort((a, b) => a - b)).toEqual(committed.sort((a, b) => a - b));
    for (const worker of range(0, 12)) {
      const own = ofTransactions.filter((n) => Math.floor(n / 1000) === worker);
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
  });

  it('publishes text that PostgreSQL or JSON cannot express, as without a transaction', async () => {
    const channels = node();
    const tx = await client();
    const texts = ['x\ud800y', '\udc00', 'NUL \0', '\u0001 \ud800 \0'];
    for (const text of texts) await channels.channel('plain').publish(text);
    await tx.query('BEGIN');
    for (const text of texts) await channels.channel('odd').publish(text, { tx });
    await tx.query('COMMIT');
    const frames = async (name: string): Promise<string[]> => {
      const { entries } = await channels.log.read(name, undefined, { events: 10, bytes: 1_000_000 });
      return entries.map(({ frame }) => Buffer.from(frame.replace(/^id: .*\n/m, '')).toString());
    };
    const odd = await frames('odd');
    expect(odd).toEqual(texts.map((text) => `data: ${Buffer.from(text).toString()}\n\n`));
    expect(odd).toEqual(await frames('plain'));
  });

  it('takes the transaction of Kysely', async () => {
    const db = new Kysely<Record<string, { id: number }>>({ dialect: new PostgresDialect({ pool }) });
    const channels = node();
    const publish = (n: number, fail: boolean) =>
      db.transaction().execute(async (trx) => {
        await trx.withSchema(schema).insertInto('orders').values({ id: n }).execute();
        const tx: Transaction = (text, values) => trx.executeQuery(CompiledQuery.raw(text, values));
        await channels.channel('kysely').publish(n, { tx });
        if (fail) throw new Error('rolled back');
      });
    await expect(publish(100, true)).rejects.toThrow('rolled back');
    await publish(101, false);
    const seen = await viewer('kysely');
    await seen.until(101);
    expect(seen.seen).toEqual([101]);
  });

  it('takes the transaction of Drizzle', async () => {
    const db = drizzle(pool);
    const channels = node();
    const publish = (n: number, fail: boolean) =>
      db.transaction(async (transaction) => {
        const tx: Transaction = (text, values) => {
          const parts = text.split(/\$\d+/).map((part) => sql.raw(part));
          return transaction.execute(
            sql.join(parts.flatMap((part, i) => (i === 0 ? [part] : [sql.param(values[i - 1]), part]))),
          );
        };
        await channels.channel('drizzle').publish(n, { tx });
        if (fail) throw new Error('rolled back');
      });
    await expect(publish(1, true)).rejects.toThrow('rolled back');
    await publish(2, false);
    const seen = await viewer('drizzle');
    await seen.until(2);
    expect(seen.seen).toEqual([2]);
  });

  it('takes a query function that returns rows alone, and placeholders of another form', async () => {
    const channels = node();
    const inner = await client();
    await inner.query('BEGIN');
    // The placeholders of MikroORM.
    const execute = async (text: string, values: unknown[]): Promise<unknown[]> => {
      let n = 0;
      return (
        await inner.query(
          text.replace(/\?/g, () => `$${++n}`),
          values,
        )
      ).rows;
    };
    const tx: Transaction = (text, values) => execute(text.replace(/\$\d+/g, '?'), values);
    await channels.channel('rows').publish('one', { tx });
    await inner.query('COMMIT');
    const seen = await viewer('rows');
    await seen.until('one');
  });

  it('validates by the contract of the channel, before the transaction sees anything', async () => {
    const events = defineEvents({ sold: type<{ n: number }>() });
    const channels = node();
    const tx = await client();
    await tx.query('BEGIN');
    await channels.channel('sales', events).publish(events.sold({ n: 1 }), { tx });
    await channels.channel('sales', events).publish([events.sold({ n: 2 }), events.sold({ n: 3 })], { tx });
    await tx.query('COMMIT');
    const seen = await viewer('sales', node());
    await until(() => seen.seen.length === 3);
    expect(seen.seen).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  describe('rejects with a typed error', () => {
    const rejected = { code: 'SSE_INVALID_TRANSACTION' };

    it('a log without transactions', async () => {
      const logs = [memoryLog(), redisLog({ client: 'redis://127.0.0.1:1' })];
      for (const log of logs) {
        const channels = new Channels({ log });
        await expect(channels.channel('c').publish(1, { tx: await client() })).rejects.toMatchObject({
          ...rejected,
          message: expect.stringContaining('Keep channels in postgresLog()') as string,
        });
        await channels.close();
      }
    });

    it('a client without a transaction, and a pool', async () => {
      const channels = node();
      for (const tx of [await client(), pool]) {
        await expect(channels.channel('none').publish(1, { tx })).rejects.toMatchObject({
          ...rejected,
          message: expect.stringContaining('not in one open transaction') as string,
        });
      }
      await channels.channel('none').publish('end');
      const seen = await viewer('none');
      await seen.until('end');
      expect(seen.seen).toEqual(['end']);
    });

    it('a publish() that was not awaited before the commit', async () => {
      const channels = node();
      await channels.channel('hasty').publish('first');
      const tx = await client();
      await tx.query('BEGIN');
      const publishing = channels.channel('hasty').publish('lost', { tx });
      await tx.query('COMMIT');
      await expect(publishing).rejects.toMatchObject(rejected);
    });

    it('a client that was closed', async () => {
      const tx = await client();
      await tx.query('BEGIN');
      await tx.end();
      await expect(node().channel('closed').publish(1, { tx })).rejects.toMatchObject(rejected);
    });

    it('a transaction that is aborted or read-only, which says so', async () => {
      const tx = await client();
      await tx.query('BEGIN');
      await tx.query('SELECT 1 / 0').catch(() => undefined);
      await expect(node().channel('c').publish(1, { tx })).rejects.toMatchObject({
        ...rejected,
        message: expect.stringContaining('current transaction is aborted') as string,
      });
      await tx.query('ROLLBACK');
      await tx.query('BEGIN READ ONLY');
      await expect(node().channel('c').publish(1, { tx })).rejects.toMatchObject(rejected);
    });

    it('nothing itself when the transaction is canceled, deadlocked or cannot be serialized: it passes the error on', async () => {
      const channels = node();
      const tx = await client();
      await tx.query('BEGIN');
      await tx.query(`INSERT INTO "${schema}".orders VALUES (1001)`);
      for (const [code, statement] of [
        ['57014', `SET LOCAL statement_timeout = 1; SELECT pg_sleep(10)`],
        ['40001', `DO $$ BEGIN RAISE 'again' USING ERRCODE = 'serialization_failure'; END $$`],
        ['40P01', `DO $$ BEGIN RAISE 'again' USING ERRCODE = 'deadlock_detected'; END $$`],
      ] as const) {
        let thrown: unknown;
        // As a server that cancels the statement of the log itself.
        const failing: Transaction = () =>
          tx.query(statement).then(
            () => [],
            (error: unknown) => {
              thrown = error;
              throw error;
            },
          );
        await tx.query('SAVEPOINT s');
        const rejection: unknown = await channels
          .channel('retried')
          .publish(1, { tx: failing })
          .catch((error: unknown) => error);
        expect(rejection).toBe(thrown);
        expect(thrown).toMatchObject({ code });
        await tx.query('ROLLBACK TO s');
      }
      await channels.channel('retried').publish('again', { tx });
      await tx.query('COMMIT');
      const seen = await viewer('retried');
      await seen.until('again');
      expect(seen.seen).toEqual(['again']);
    });

    it('another database, with and without a log, and leaves its transaction usable', async () => {
      const name = `other_${schema}`;
      const other = new URL(url);
      other.pathname = `/${name}`;
      await runSql(url, `CREATE DATABASE "${name}"`);
      try {
        const tx = await client(other.href);
        await tx.query('BEGIN');
        await expect(node().channel('c').publish(1, { tx })).rejects.toMatchObject({
          ...rejected,
          message: expect.stringMatching(
            /does not belong to the log.*Pass a transaction of that database/,
          ) as string,
        });
        await tx.query('COMMIT');
        const log = postgresLog({ client: other.href, schema, createSchema: true });
        await log.ready();
        log.close();
        await tx.query('BEGIN');
        await expect(node().channel('c').publish(1, { tx })).rejects.toMatchObject(rejected);
        expect((await tx.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
        await tx.end();
      } finally {
        await runSql(url, `DROP DATABASE "${name}" WITH (FORCE)`);
      }
    });

    it('a value that is not a transaction', async () => {
      const publish = node().channel('c').publish.bind(node().channel('c')) as (
        value: unknown,
        options: unknown,
      ) => Promise<unknown>;
      for (const tx of [undefined, null, 'BEGIN', {}, { query: 1 }]) {
        await expect(publish(1, { tx })).rejects.toMatchObject({ code: 'SSE_INVALID_OPTIONS' });
      }
      await expect(publish(1, { transaction: pool })).rejects.toMatchObject({ code: 'SSE_INVALID_OPTIONS' });
    });

    it('an event of 300 KB, and the transaction goes on', async () => {
      const channels = node();
      const tx = await client();
      await tx.query('BEGIN');
      await expect(channels.channel('big').publish('x'.repeat(300_000), { tx })).rejects.toMatchObject({
        code: 'SSE_EVENT_TOO_LARGE',
      });
      await channels.channel('big').publish('small', { tx });
      await tx.query('COMMIT');
      const seen = await viewer('big');
      await seen.until('small');
    });

    it('ids of the publisher out of order, at once or at the commit', async () => {
      const channels = node();
      const [a, b] = [await client(), await client()];
      await channels.channel('ids').publish(event({ id: '5', data: 5 }));
      await a.query('BEGIN');
      await expect(
        channels.channel('ids').publish(event({ id: '4', data: 4 }), { tx: a }),
      ).rejects.toMatchObject({ code: 'SSE_ID_ORDER' });
      await channels.channel('ids').publish(event({ id: '7', data: 7 }), { tx: a });
      await b.query('BEGIN');
      await channels.channel('ids').publish(event({ id: '8', data: 8 }), { tx: b });
      await b.query('COMMIT');
      await expect(a.query('COMMIT')).rejects.toMatchObject({ code: 'SSE02' });
      await a.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await expect(
        channels.channel('ids').publish(event({ id: '9', data: 9 }), { tx: a }),
      ).rejects.toMatchObject(rejected);
      await a.query('ROLLBACK');
      await channels.channel('ids').publish(event({ id: '10', data: 10 }));
      const seen = await viewer('ids');
      await seen.until(10);
      expect(seen.seen).toEqual([5, 8, 10]);
    });
  });
});
