import { connect as connectSocket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { EventSource } from 'eventsource';
import { SseConnections } from 'nestjs-event-stream';
import { openStream, type TestEvent, type TestStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { ask } from './ask.js';

process.env['DEMO_SPEED'] = '50';
const { TimeplusModule } = await import('../../demo/timeplus/timeplus.module.js');
const { Engine } = await import('../../demo/timeplus/engine.service.js');

const QUERIES = '/tenant/api/v1beta2/queries';
/** The engine takes minutes to run it; there is no result before the end. */
const ENDLESS = 'SELECT count(*) FROM range(1000000) a(x), range(1000000) b(y) WHERE (x * y) % 7 = 3';
const ANY_NUMBER = expect.any(Number) as number;
const METRICS = {
  count: ANY_NUMBER,
  eps: ANY_NUMBER,
  processing_time: ANY_NUMBER,
  last_event_time: ANY_NUMBER,
  response_time: ANY_NUMBER,
  scanned_rows: ANY_NUMBER,
  scanned_bytes: ANY_NUMBER,
};

type Row = unknown[];
interface Description {
  id: string;
  sql: string;
  result: { header: { name: string; type: string }[] };
}

function portOf(app: INestApplication): number {
  return (app.getHttpServer() as { address(): AddressInfo }).address().port;
}

function query(app: INestApplication, sql: string): Promise<TestStream> {
  return openStream(app, QUERIES, { body: { sql } });
}

async function rows(app: INestApplication, sql: string): Promise<Row[]> {
  const events = await (await query(app, sql)).rest();
  return events.filter(({ type }) => type === 'message').flatMap((event) => event.json<Row[]>());
}

const isBatch = ({ type }: TestEvent) => type === 'message';

describe('Timeplus', () => {
  eachAdapter((adapter) => {
    const demo = () => makeApp(adapter, { imports: [TimeplusModule] });
    afterEach(closeApps);

    async function nothingRuns(app: INestApplication): Promise<void> {
      const engine = app.get(Engine);
      await until(() => engine.connected === 0 && engine.working === 0, 'an idle engine');
    }

    it('answers a POST with a stream: header, rows without a name, figures, and the result', async () => {
      const app = await demo();
      const stream = await query(app, "SELECT 1::BIGINT AS n, 'a' || chr(10) || 'b' AS \"two lines\"");
      expect(stream.status).toBe(200);
      expect(stream.headers['content-type']).toBe('text/event-stream');
      const events = await stream.rest();
      const [first, batch] = events;
      const last = events.at(-1);
      // On slow machines there are more figures.
      const figures = events.slice(2, -1);
      expect(figures.length).toBeGreaterThan(0);
      expect(figures.map(({ type }) => type)).toEqual(figures.map(() => 'metrics'));
      const description = first?.json<Description>();
      expect(description).toEqual({
        id: expect.stringMatching(/^[\w-]+$/) as string,
        sql: "SELECT 1::BIGINT AS n, 'a' || chr(10) || 'b' AS \"two lines\"",
        result: {
          header: [
            { name: 'n', type: 'int64' },
            { name: 'two lines', type: 'string' },
          ],
        },
      });
      expect(last?.json()).toEqual({
        ...description,
        status: 'finished',
        duration: ANY_NUMBER,
        end_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      });
      expect(stream.raw()).toBe(
        `:\nevent: query\ndata: ${first?.data}\n\ndata: [[1,"a\\nb"]]\n\n` +
          figures.map((event) => `event: metrics\ndata: ${event.data}\n\n`).join('') +
          `event: query\ndata: ${last?.data}\n\n`,
      );
      expect(batch?.id).toBeUndefined();
      await nothingRuns(app);
    });

    it('answers with what is stored, and ends', async () => {
      const app = await demo();
      const stream = await query(app, 'SELECT * FROM table(readings) ORDER BY id LIMIT 3');
      const events = await stream.rest();
      expect(events[0]?.json<Description>().result.header).toEqual([
        { name: 'id', type: 'int64' },
        { name: 'sensor', type: 'string' },
        { name: 'temperature', type: 'float64' },
        { name: 'humidity', type: 'float64' },
        { name: '_tp_time', type: 'datetime64(6)' },
      ]);
      // A slow machine sends the rows in several batches.
      const stored = events.filter(isBatch).flatMap((batch) => batch.json<Row[]>());
      expect(stored.map(([id, sensor]) => [id, sensor])).toEqual([
        [1, 'sensor-1'],
        [2, 'sensor-2'],
        [3, 'sensor-3'],
      ]);
      expect(stored[0]?.[4]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$/);
      expect(events.at(-2)).toMatchObject({ type: 'metrics' });
      expect(events.at(-2)?.json()).toEqual(METRICS);
      expect(events.at(-2)?.json<{ scanned_rows: number }>().scanned_rows).toBeGreaterThanOrEqual(10_000);
      expect(events.at(-1)).toMatchObject({ type: 'query' });
    });

    it('runs the example of the documentation as it is', async () => {
      const stream = await query(await demo(), 'select * from iot');
      const description = (await stream.next('query')).json<Description>();
      expect(description.result.header).toEqual([
        { name: 'in_use', type: 'bool' },
        { name: 'speed', type: 'float32' },
      ]);
      const first = (await stream.until(isBatch)).json<Row[]>();
      expect(first.length).toBeGreaterThan(1);
      for (const row of first) expect(row).toEqual([expect.any(Boolean), expect.any(Number)]);
      expect((await stream.next('metrics')).json()).toEqual(METRICS);
      await stream.until(isBatch);
      await stream.close();
    });

    it('rejects a query over two streams', async () => {
      const stream = await query(await demo(), 'SELECT * FROM iot, readings');
      expect(stream.status).toBe(400);
      expect(await stream.json()).toMatchObject({ message: 'A query can read only one of the streams.' });
    });

    it('streams rows as they arrive, with figures from time to time, until its client leaves', async () => {
      const app = await demo();
      const [[before] = []] = await rows(app, 'SELECT max(id) FROM table(readings)');
      const stream = await query(app, 'SELECT id, sensor FROM readings');
      expect((await stream.next()).type).toBe('query');
      const seen: number[] = [];
      for (let batch = 0; batch < 5; batch++) {
        const event = await stream.until(isBatch);
        seen.push(...event.json<Row[]>().map(([id]) => id as number));
      }
      const [first = 0] = seen;
      expect(first).toBeGreaterThan(before as number);
      expect(seen.sort((a, b) => a - b)).toEqual(seen.map((_, index) => first + index));
      expect((await stream.next('metrics')).json()).toEqual(METRICS);
      expect(stream.raw()).not.toContain('\nid:');
      expect(app.get(Engine).connected).toBe(1);
      await stream.close();
      await nothingRuns(app);
    });

    it('ends a stream at its limit', async () => {
      const app = await demo();
      const events = await (await query(app, 'SELECT id FROM readings LIMIT 25')).rest();
      expect(events.filter(isBatch).flatMap((event) => event.json<Row[]>())).toHaveLength(25);
      expect(events.at(-1)?.json()).toMatchObject({ status: 'finished' });
    });

    it('sends an updated result of an aggregating stream as it grows', async () => {
      const stream = await query(await demo(), 'SELECT sensor, count(*) n FROM readings GROUP BY sensor');
      const totals: number[] = [];
      for (let answer = 0; answer < 3; answer++) {
        // Readings come for all sensors at once. A batch ends early when making it has taken long.
        const counts: [string, number][] = [];
        while (counts.length < 10) {
          counts.push(...(await stream.until(isBatch)).json<[string, number][]>());
        }
        expect(counts).toHaveLength(10);
        expect(new Set(counts.map(([sensor]) => sensor)).size).toBe(10);
        totals.push(counts.reduce((sum, [, n]) => sum + n, 0));
      }
      expect(totals[1]).toBeGreaterThan(totals[0] as number);
      expect(totals[2]).toBeGreaterThan(totals[1] as number);
      await stream.close();
    });

    it('writes every kind of value as JSON', async () => {
      const [row] = await rows(
        await demo(),
        `SELECT 9007199254740991, 9007199254740993, 170141183460469231731687303715884105727, sum(7::BIGINT),
          1.50, 1234567890123456789.5, TIMESTAMP '2026-01-02 03:04:05.678', DATE '2026-01-02', NULL, 'NaN'::DOUBLE,
          [1, NULL], {'a': [1.5], 'b': true}, MAP {'k': 2::HUGEINT}, '\\x00\\xFF'::BLOB`,
      );
      expect(row).toEqual([
        9007199254740991,
        '9007199254740993',
        '170141183460469231731687303715884105727',
        7,
        1.5,
        '1234567890123456789.5',
        '2026-01-02 03:04:05.678',
        '2026-01-02',
        null,
        'NaN',
        [1, null],
        { a: [1.5], b: true },
        [{ key: 'k', value: 2 }],
        '\\x00\\xFF',
      ]);
    });

    it('streams a large answer, all of it', async () => {
      const answer = await rows(await demo(), 'SELECT range FROM range(200000)');
      expect(answer).toHaveLength(200_000);
      expect(answer.every(([value], index) => value === index)).toBe(true);
    });

    it.each([
      ['no body', undefined],
      ['malformed JSON', '{"sql":'],
      ['a list', ['SELECT 1']],
      ['a string', '"SELECT 1"'],
      ['no statement', {}],
      ['a statement that is no string', { sql: 1 }],
      ['a statement that is null', { sql: null }],
      ['an empty statement', { sql: '' }],
      ['a comment alone', { sql: '-- nothing' }],
      ['a statement that is too long', { sql: `SELECT '${'x'.repeat(20_000)}'` }],
      ['two statements', { sql: 'SELECT 1; SELECT 2' }],
      ['what is no SQL', { sql: 'hello' }],
      ['an unknown table', { sql: 'SELECT * FROM nosuch' }],
      ['an unknown column', { sql: 'SELECT nosuch FROM readings' }],
      ['a parameter', { sql: 'SELECT $1' }],
      ['DDL', { sql: 'DROP TABLE history.readings' }],
      ['DML', { sql: 'DELETE FROM history.readings' }],
      ['ATTACH', { sql: "ATTACH '/tmp/x.db'" }],
      ['COPY', { sql: "COPY (SELECT 1) TO '/tmp/x.csv'" }],
      ['PRAGMA', { sql: 'PRAGMA version' }],
      ['INSTALL', { sql: 'INSTALL httpfs' }],
      ['SET', { sql: 'SET enable_external_access = true' }],
      ['a file', { sql: "SELECT * FROM read_text('/etc/passwd')" }],
      ['a file by its name', { sql: "SELECT * FROM '/etc/passwd'" }],
    ])('answers %s with 400 and JSON', async (_what, body) => {
      const app = await demo();
      const answer = await ask(app, 'POST', QUERIES, body);
      expect(answer).toMatchObject({ status: 400, body: { statusCode: 400 } });
      await nothingRuns(app);
    });

    it('does not answer a GET', async () => {
      expect((await ask(await demo(), 'GET', QUERIES)).status).toBe(404);
    });

    it('ends with an error event if the query fails midway', async () => {
      const app = await demo();
      const sql = "SELECT CASE WHEN range = 90000 THEN error('no more') ELSE 'x' END FROM range(1000000)";
      const stream = await query(app, sql);
      const events = await stream.rest();
      expect(events.filter(isBatch).length).toBeGreaterThan(10);
      expect(events.at(-1)?.type).toBe('error');
      expect(events.at(-1)?.json()).toEqual({
        statusCode: 400,
        error: 'Bad Request',
        message: 'Invalid Input Error: no more',
      });
      expect(await stream.end()).toBe('ended');
      await nothingRuns(app);
    });

    it('interrupts the engine when its client leaves', async () => {
      const app = await demo();
      const engine = app.get(Engine);
      const stream = await query(app, ENDLESS);
      await stream.next('query');
      await until(() => engine.working === 1);
      await stream.close();
      // The query itself never ends.
      await nothingRuns(app);
    });

    it('answers other queries while long ones run', async () => {
      const app = await demo();
      const long = await Promise.all([1, 2, 3, 4].map(() => query(app, ENDLESS)));
      await Promise.all(long.map((stream) => stream.next('query')));
      await until(() => app.get(Engine).working >= 2);
      let turns = 0;
      const watch = setInterval(() => turns++, 1).unref();
      expect(await rows(app, 'SELECT 1')).toEqual([[1]]);
      expect(await rows(app, 'SELECT id FROM readings LIMIT 20')).toHaveLength(20);
      expect((await ask(app, 'POST', QUERIES, { sql: 'SELECT nosuch' })).status).toBe(400);
      clearInterval(watch);
      expect(turns).toBeGreaterThan(2);
      await Promise.all(long.map((stream) => stream.close()));
      await nothingRuns(app);
    });

    it('has a hundred queries open at most', async () => {
      const app = await demo();
      const sql = 'SELECT id FROM readings WHERE id < 0';
      const streams = await Promise.all(Array.from({ length: 100 }, () => query(app, sql)));
      expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200));
      expect((await ask(app, 'POST', QUERIES, { sql })).status).toBe(503);
      await Promise.all(streams.map((stream) => stream.close()));
      await nothingRuns(app);
    });

    it('lets a table grow and a stream go on while a client does not read', async () => {
      const app = await demo();
      const socket = connectSocket(portOf(app), '127.0.0.1');
      socket.pause();
      const body = JSON.stringify({ sql: 'SELECT range, repeat(chr(65), 100) FROM range(100000000)' });
      socket.write(
        `POST ${QUERIES} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      const connections = app.get(SseConnections);
      const sent = () => connections.list()[0]?.bytes ?? 0;
      let before = -1;
      await until(() => {
        const still = sent() === before && before > 100_000 && app.get(Engine).working === 0;
        before = sent();
        return still;
      });
      expect(await rows(app, 'SELECT id FROM readings LIMIT 30')).toHaveLength(30);
      expect(sent()).toBeLessThan(20_000_000);
      socket.destroy();
      await nothingRuns(app);
    });

    it('is read by a stock client that can POST', async () => {
      const app = await makeApp(adapter, { imports: [TimeplusModule], forceCloseConnections: true });
      const source = new EventSource(`http://127.0.0.1:${portOf(app)}${QUERIES}`, {
        fetch: (url, init) =>
          fetch(url, {
            ...init,
            method: 'POST',
            headers: { ...init.headers, 'content-type': 'application/json' },
            body: JSON.stringify({ sql: 'SELECT id FROM readings' }),
          }),
      });
      const heard: string[] = [];
      for (const type of ['query', 'message', 'metrics']) {
        source.addEventListener(type, ({ type: name, lastEventId }) => heard.push(name + lastEventId));
      }
      await until(() => heard.includes('metrics') && heard.includes('message'));
      expect(heard[0]).toBe('query');
      source.close();
      await nothingRuns(app);
    });

    it('leaves nothing running when the application closes', async () => {
      const app = await demo();
      const engine = app.get(Engine);
      const streams = await Promise.all([query(app, ENDLESS), query(app, 'SELECT * FROM readings')]);
      await Promise.all(streams.map((stream) => stream.next('query')));
      await until(() => engine.working > 0);
      await closeApps();
      expect([engine.connected, engine.working]).toEqual([0, 0]);
      await Promise.all(streams.map((stream) => stream.end()));
    });
  });
});
