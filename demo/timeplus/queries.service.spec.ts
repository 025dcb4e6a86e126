import { Logger } from '@nestjs/common';
import type { SseEvent } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { Engine } from './engine.service.js';
import { Queries } from './queries.service.js';
import type { Row } from './row-batches.js';
import { Streams } from './streams.service.js';

/** Takes the engine minutes; nothing is answered before the end. */
const ENDLESS = 'SELECT count(*) FROM range(1000000) a(x), range(1000000) b(y) WHERE (x * y) % 7 = 3';

describe('Queries', () => {
  let engine: Engine;
  let streams: Streams;
  let queries: Queries;
  let leaving: AbortController;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    const pace = new Pace(100);
    engine = await Engine.start();
    streams = new Streams(engine, pace);
    queries = new Queries(engine, streams, pace);
    await streams.onModuleInit();
  });
  afterAll(async () => {
    await streams.beforeApplicationShutdown();
    await engine.onApplicationShutdown();
  });
  beforeEach(() => void (leaving = new AbortController()));
  afterEach(async () => {
    leaving.abort(new Error('gone'));
    while (engine.connected > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(engine.working).toBe(0);
  });

  async function open(
    sql: string,
    { signal } = leaving,
  ): Promise<AsyncGenerator<SseEvent | Row[], void, undefined>> {
    return (await queries.open(sql, signal)).events();
  }

  async function all(sql: string): Promise<(SseEvent | Row[])[]> {
    const client = new AbortController();
    try {
      const events: (SseEvent | Row[])[] = [];
      for await (const event of await open(sql, client)) events.push(event);
      return events;
    } finally {
      client.abort(new Error('done'));
    }
  }

  async function rows(sql: string): Promise<Row[]> {
    return (await all(sql)).filter((event): event is Row[] => Array.isArray(event)).flat();
  }

  it('sends a header, rows in its order, metrics, and the outcome', async () => {
    const sql = 'SELECT 1::BIGINT AS n, \'x\' AS "a text", NULL AS nothing';
    const events = await all(sql);
    const description = {
      id: expect.stringMatching(/^[\w-]{36}$/) as string,
      sql,
      result: {
        header: [
          { name: 'n', type: 'int64' },
          { name: 'a text', type: 'string' },
          { name: 'nothing', type: 'int32' },
        ],
      },
    };
    expect(events[0]).toMatchObject({ type: 'query', data: description });
    expect(events[1]).toEqual([[1, 'x', null]]);
    expect(events.at(-2)).toMatchObject({
      type: 'metrics',
      data: { count: 1, scanned_rows: 0, scanned_bytes: 0, last_event_time: null },
    });
    expect(events.at(-1)).toMatchObject({ type: 'query', data: { ...description, status: 'finished' } });
    expect(Object.keys((events[0] as SseEvent).data as object)).toEqual(['id', 'sql', 'result']);
  });

  it('sends all rows of a large result, once and in order', async () => {
    const answer = await rows('SELECT range FROM range(100000)');
    expect(answer).toHaveLength(100_000);
    expect(answer.every(([value], index) => value === index)).toBe(true);
  });

  it('sends stored rows, and counts the rows that it reads', async () => {
    const stored = streams.get('readings')?.stored ?? 0;
    const events = await all('SELECT count(*), min(id) FROM table(readings)');
    expect((events[1] as Row[])[0]?.[0]).toBeGreaterThanOrEqual(stored);
    expect((events.at(-2) as SseEvent).data).toMatchObject({
      count: 1,
      scanned_rows: expect.any(Number) as number,
      last_event_time: expect.any(Number) as number,
    });
  });

  it('sends every new row of a stream once, in order, and no earlier row', async () => {
    const before = streams.get('readings')?.end.id ?? 0;
    const ids = (await rows('SELECT id FROM readings LIMIT 95')).map(([id]) => id as number);
    expect(ids).toHaveLength(95);
    expect(ids[0]).toBeGreaterThan(before);
    const first = ids[0] as number;
    expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: 95 }, (_, index) => first + index));
  });

  it('sends correct values, also of rows that were stored during the planning', async () => {
    for (let round = 0; round < 20; round++) {
      const [[id] = []] = await rows('SELECT id FROM table(readings) ORDER BY id DESC LIMIT 1');
      expect(id).toBeGreaterThanOrEqual(10_000);
    }
  });

  it('repeats the result of an aggregate over all rows since the query was sent', async () => {
    const counts: number[] = [];
    for await (const event of await open('SELECT count(*), min(id) FROM readings')) {
      if (Array.isArray(event)) counts.push((event[0] as Row)[0] as number);
      if (counts.length === 3) break;
    }
    expect(counts[1]).toBeGreaterThan(counts[0] as number);
    expect(counts[2]).toBeGreaterThan(counts[1] as number);
  });

  it('respects a name that a query gives to something else', async () => {
    expect(await rows('WITH readings AS (SELECT 42 AS n) FROM readings')).toEqual([[42]]);
  });

  it('joins a stream with stored rows', async () => {
    const answer = await rows('SELECT r.id, h.id FROM readings r JOIN table(readings) h USING (id) LIMIT 10');
    expect(answer).toHaveLength(10);
    expect(answer.every(([live, stored]) => live === stored)).toBe(true);
  });

  it.each([
    ['', 'must be one statement'],
    ['-- nothing', 'must be one statement'],
    ['SELECT 1; SELECT 2', 'must be one statement'],
    ['SELEC 1', 'Parser Error: syntax error'],
    ['SELECT nosuch FROM table(readings)', 'Binder Error'],
    ['SELECT nosuch FROM readings', 'Binder Error'],
    ['SELECT * FROM nosuch', 'Catalog Error'],
    ['SELECT * FROM table(nosuch)', 'Catalog Error'],
    ["SELECT 'a'::INTEGER + $1", 'no parameters'],
    ['CREATE TABLE t AS SELECT 1', 'Only a SELECT'],
    ['DROP TABLE history.readings', 'Only a SELECT'],
    ['INSERT INTO history.readings SELECT * FROM history.readings', 'Only a SELECT'],
    ['DELETE FROM history.readings', 'Only a SELECT'],
    ["COPY (SELECT 1) TO '/tmp/x.csv'", 'Only a SELECT'],
    ["ATTACH '/tmp/x.db'", 'Only a SELECT'],
    ['PRAGMA version', 'Only a SELECT'],
    ['INSTALL httpfs', 'Only a SELECT'],
    ['LOAD httpfs', 'Only a SELECT'],
    ['SET threads = 8', 'Only a SELECT'],
    ['CALL enable_logging()', 'Only a SELECT'],
    ['EXPLAIN SELECT 1', 'Only a SELECT'],
    ["SELECT * FROM read_csv('/etc/passwd')", 'cannot be used here'],
    ["SELECT * FROM '/etc/passwd'", 'Error'],
    ["SELECT * FROM 'https://example.com/x.parquet'", 'Error'],
  ])('refuses %s', async (sql, message) => {
    await expect(open(sql)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining(message) as string,
    });
  });

  it('reports why a query failed midway, after its rows', async () => {
    const events: unknown[] = [];
    const failing =
      "SELECT CASE WHEN range = 90000 THEN error('no more') ELSE range::VARCHAR END FROM range(1e6::INT)";
    await expect(
      (async () => {
        for await (const event of await open(failing)) events.push(event);
      })(),
    ).rejects.toThrow('Invalid Input Error: no more');
    expect(events.filter((event) => Array.isArray(event)).length).toBeGreaterThan(10);
  });

  it('fails without an effect on other queries if the memory is exhausted', async () => {
    await expect(rows('FROM range(1000000000) ORDER BY hash(range)')).rejects.toThrow('Out of Memory Error');
    expect(await rows('SELECT 1')).toEqual([[1]]);
  });

  it('rejects a list that is too long to be read at once', async () => {
    await expect(rows('SELECT range(100001)')).rejects.toThrow('A list may have 100000 elements');
  });

  it('interrupts the query of a client that leaves, and leaks nothing', async () => {
    const events = await open(ENDLESS);
    await events.next();
    const row = events.next();
    while (engine.working === 0) await new Promise((resolve) => setImmediate(resolve));
    leaving.abort(new Error('gone'));
    await expect(row).rejects.toThrow('gone');
    while (engine.connected > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(engine.working).toBe(0);
  });

  it('answers short queries while long ones run, without blocking the event loop', async () => {
    const long = await Promise.all([1, 2, 3, 4].map(() => open(ENDLESS)));
    const answers = long.map(async (events) => {
      await events.next();
      await events.next();
    });
    while (engine.working < 2) await new Promise((resolve) => setImmediate(resolve));
    let turns = 0;
    const watch = setInterval(() => turns++, 1);
    expect(await rows('SELECT 1')).toEqual([[1]]);
    expect(await rows('SELECT count(*) > 0 FROM table(readings)')).toEqual([[true]]);
    expect((await rows('SELECT id FROM readings LIMIT 20')).length).toBe(20);
    clearInterval(watch);
    // An engine that held up the loop would have let the answers come, and nothing between them.
    expect(turns).toBeGreaterThan(3);
    leaving.abort(new Error('gone'));
    await Promise.allSettled(answers);
  });

  it('answers a long query in the end, although other long ones came first', async () => {
    const client = new AbortController();
    const before = await Promise.all([1, 2].map(() => open(ENDLESS, client)));
    const answers = before.map(async (events) => {
      await events.next();
      await events.next();
    });
    while (engine.working < 2) await new Promise((resolve) => setImmediate(resolve));
    const long = rows('SELECT count(*) FROM range(20000) a(x), range(10000) b(y) WHERE (x * y) % 7 = 3');
    for (const calls of [3, 2]) {
      while (engine.working !== calls) await new Promise((resolve) => setImmediate(resolve));
    }
    client.abort(new Error('gone'));
    await Promise.allSettled(answers);
    expect((await long)[0]?.[0]).toBeGreaterThan(1_000_000);
  }, 20_000);

  it('runs nothing for a client that has already left', async () => {
    leaving.abort(new Error('gone'));
    await expect(open('SELECT 1')).rejects.toThrow('gone');
  });
});
