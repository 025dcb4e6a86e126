import { Channels } from 'nestjs-event-stream';
import { postgresLog, type PostgresLog } from 'nestjs-event-stream/postgres';
import { toRecord } from '../../src/log/log-record.js';
import { describePostgres, runSql, testSchema } from '../fixtures/postgres.js';
import { Viewer } from '../redis/viewer.js';

const ALL = { events: 1000, bytes: 1_000_000 };
const records = (...values: unknown[]) => values.map((value) => toRecord(value, undefined));

await describePostgres('the epochs of postgresLog', (url) => {
  const logs: PostgresLog[] = [];
  let schema = '';

  async function open(): Promise<PostgresLog> {
    const log = postgresLog({ client: url, schema, createSchema: true });
    logs.push(log);
    await log.ready();
    return log;
  }
  const sql = (text: string, ...values: unknown[]) =>
    runSql(url, text.replaceAll('$S', `"${schema}"`), values);

  beforeEach(() => (schema = testSchema()));
  afterEach(() => {
    for (const log of logs.splice(0)) log.close();
  });

  it('another process that connects keeps the epoch', async () => {
    const [position] = await (await open()).append('c', records(1, 2));
    const slice = await (await open()).read('c', position, ALL);
    expect([slice.gap, slice.entries.length]).toEqual([false, 1]);
  });

  it('another cluster or timeline is a gap for all positions, and new ones sort after them', async () => {
    const [position = ''] = await (await open()).append('c', records(1, 2));
    await sql("UPDATE $S.sse_state SET system = 'another-00000001'");
    const log = await open();
    const slice = await log.read('c', position, ALL);
    expect([slice.gap, slice.entries.length, slice.from > position]).toEqual([true, 2, true]);
    expect((await log.read('c', slice.entries[0]?.position, ALL)).gap).toBe(false);
  });

  it('begins a new epoch if a known event is missing and was not evicted', async () => {
    const log = await open();
    const [first, second = ''] = await log.append('c', records(1, 2));
    const [epoch = '', place = ''] = second.split('-');
    const answer = await sql('SELECT pos, token FROM $S.sse_events ORDER BY pos DESC LIMIT 1');
    const { pos, token } = answer.rows[0] as { pos: string; token: string };
    expect(place.endsWith(Number(token).toString(36))).toBe(true);
    const check = async () =>
      (
        await sql(
          'SELECT $S.sse_open_1($1, $2)::json ->> $3 AS epoch',
          epoch,
          JSON.stringify([['c', pos, token]]),
          'epoch',
        )
      ).rows[0] as { epoch: string };
    expect((await check()).epoch).toBe(epoch);
    await sql('DELETE FROM $S.sse_events WHERE pos = $1', pos);
    const renewed = (await check()).epoch;
    expect(renewed > epoch).toBe(true);
    expect((await check()).epoch).toBe(renewed);
    const slice = await log.read('c', first, ALL);
    expect([slice.gap, slice.entries.length, slice.from.startsWith(renewed)]).toEqual([true, 1, true]);
  });

  it('an event in the place of a lost one does not hide the loss: the position of the lost one is a gap', async () => {
    const log = await open();
    const [, second] = await log.append('c', records(1, 2));
    await sql('UPDATE $S.sse_events SET token = token + 1 WHERE pos = (SELECT max(pos) FROM $S.sse_events)');
    const slice = await log.read('c', second, ALL);
    expect([slice.gap, slice.entries.length]).toEqual([true, 2]);
  });

  it('another server that takes over between two statements is a gap for a quiet channel too', async () => {
    const log = await open();
    const channels = new Channels({ log });
    const viewer = new Viewer(channels, 'c', { from: 'oldest' });
    await log.append('c', records('kept', 'lost'));
    await viewer.until('lost');
    // As after a failover within the pause between two queries: no statement fails.
    await sql(`BEGIN;
      UPDATE $S.sse_state SET system = 'another-00000001';
      DELETE FROM $S.sse_events WHERE pos = (SELECT max(pos) FROM $S.sse_events);
      CREATE OR REPLACE FUNCTION $S.sse_started_1() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'later' $$;
      COMMIT`);
    await viewer.until('gap');
    await channels.channel('c').publish('next');
    await viewer.until('next');
    expect(viewer.seen).toEqual(['kept', 'lost', 'gap', 'kept', 'next']);
    await channels.close();
  });
});
