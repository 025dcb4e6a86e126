import { Channels, event, type LogSlice, type SseError } from 'nestjs-event-stream';
import { postgresLog, type PostgresLog, type PostgresLogOptions } from 'nestjs-event-stream/postgres';
import pg from 'pg';
import type { LogEntry } from '../../src/log/log-entry.js';
import { toRecord } from '../../src/log/log-record.js';
import { describePostgres, runSql, testSchema } from '../fixtures/postgres.js';
import { RedisProxy } from '../fixtures/redis-proxy.js';
import { Viewer, until } from '../redis/viewer.js';

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

await describePostgres('postgresLog appends once', (url) => {
  const schema = testSchema();
  let proxy: RedisProxy;
  const closing: Channels[] = [];

  function through(port: number): string {
    const target = new URL(url);
    target.port = `${port}`;
    target.hostname = '127.0.0.1';
    return target.href;
  }

  function node(client: string, options: Partial<PostgresLogOptions> = {}): Channels {
    const log = postgresLog({ client, schema, createSchema: true, waitMs: 30_000, ...options });
    const channels = new Channels({ log });
    closing.push(channels);
    return channels;
  }

  beforeEach(async () => {
    proxy = await RedisProxy.start(url.includes(':5') ? url : through(5432), /sse_append_1/);
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((channels) => channels.close()));
    proxy.close();
  });

  it('when answers are lost, it finds out the outcome, and nothing is repeated or out of order', async () => {
    const channels = node(through(proxy.port));
    const viewer = new Viewer(node(url), 'lost');
    await viewer.ready;
    const calls: Promise<unknown>[] = [];
    for (const n of numbers(0, 60)) {
      if (n % 10 === 5) proxy.answersLeft = 0;
      const call = channels.channel('lost').publish(n);
      calls.push(call);
      if (n % 3 === 0) await call;
    }
    const ids = await Promise.all(calls);
    await viewer.until(59);
    expect(viewer.seen).toEqual(numbers(0, 60));
    expect([proxy.lost >= 6, new Set(ids).size]).toEqual([true, 60]);
    const again = new Viewer(node(url), 'lost', { after: ids[9] as string });
    await again.until(59);
    expect(again.seen).toEqual(numbers(10, 50));
  });

  it('without waitMs a lost answer is reported as an unknown outcome; the batch is not sent again', async () => {
    const channels = node(through(proxy.port), { waitMs: false });
    await channels.channel('open').publish(0);
    proxy.answersLeft = 0;
    const error = (await channels
      .channel('open')
      .publish(1)
      .catch((reason: unknown) => reason)) as SseError;
    expect([error.code, error.message.includes('It may have been published')]).toEqual([
      'SSE_LOG_UNAVAILABLE',
      true,
    ]);
    await until(() => channels.health().status === 'up');
    await channels.channel('open').publish(2);
    const viewer = new Viewer(node(url), 'open', { from: 'oldest' });
    await viewer.until(2);
    expect(viewer.seen).toEqual([0, 1, 2]);
  });

  it('after an unknown outcome, a read waits until the outcome is known', async () => {
    const [patient, log] = [5000, 100].map((waitMs) =>
      postgresLog({ client: url, schema, createSchema: true, waitMs }),
    ) as [PostgresLog, PostgresLog];
    await Promise.all([patient.ready(), log.ready()]);
    closing.push(new Channels({ log }), new Channels({ log: patient }));
    const record = (data: string) => toRecord(event({ data }), undefined);
    const dataOf = ({ frame }: LogEntry) => /^data: (.*)$/m.exec(frame)?.[1];
    const limit = { events: 10, bytes: Infinity };
    const [first] = await patient.append('doubt', [record('0')]);
    const other = new pg.Client(url);
    let found: unknown[];
    try {
      await other.connect();
      await other.query('BEGIN');
      await other.query(`SELECT "${schema}".sse_lock_1($1)`, [['doubt']]);
      await expect(log.append('doubt', [record('1')])).rejects.toThrow('It may have been published');
      let seen: LogSlice | undefined;
      const reading = log.read('doubt', first, limit).then((slice) => (seen = slice));
      // A read of another channel does not wait.
      await log.read('other', undefined, limit);
      expect(seen).toBeUndefined();
      await other.query('COMMIT');
      found = (await reading).entries.map(dataOf);
      // On a busy machine the server gives the lock up before the commit.
      expect([[], ['1']]).toContainEqual(found);
    } finally {
      await other.end();
    }
    await patient.append('doubt', [record('2')]);
    const { entries } = await log.read('doubt', undefined, limit);
    expect(entries.map(dataOf)).toEqual(['0', ...found, '2']);
  });

  it('a first attempt that arrives late has no effect once it was abandoned', async () => {
    const channels = node(url);
    await channels.channel('late').publish(0);
    const resolve = 'SELECT "S".sse_resolve_1($1, 7, 99, 1000, $2, $3)::text AS answer'.replace(
      '"S"',
      `"${schema}"`,
    );
    const { rows } = await runSql(url, resolve, ['writer', ['late'], [0]]);
    expect(JSON.parse((rows[0] as { answer: string }).answer)).toMatchObject({ found: {}, evicted: [] });
    const append = 'SELECT "S".sse_append_1($1, $2, 99, 1000, $3, $4, $5, $6, $7, NULL, $8)'.replace(
      '"S"',
      `"${schema}"`,
    );
    const args = (batch: number) => [
      'writer',
      batch,
      ['late'],
      [null],
      [1],
      ['[1,"t",0,9,9]'],
      ['data: 1\n\n'],
      [9],
    ];
    await expect(runSql(url, append, args(7))).rejects.toMatchObject({ code: 'SSE01' });
    await runSql(url, append, args(8));
    const viewer = new Viewer(node(url), 'late', { from: 'oldest' });
    await viewer.until('1');
    expect(viewer.seen).toEqual([0, '1']);
  });
});
