import { Engine } from './engine.service.js';
import { selectShape, type SelectShape } from './select-shape.js';

describe('selectShape', () => {
  let engine: Engine;

  beforeAll(async () => void (engine = await Engine.start()));
  afterAll(() => engine.onApplicationShutdown());

  async function shape(sql: string): Promise<SelectShape> {
    const reader = await engine.writer.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql]);
    const tree = JSON.parse(String(reader.value(0, 0))) as {
      statements: [{ node: Record<string, unknown> }];
    };
    return selectShape(tree.statements[0].node, new Set(['readings', 'iot']), engine.aggregates);
  }

  it.each([
    'SELECT * FROM readings',
    'SELECT id, upper(sensor) FROM readings WHERE temperature > 20',
    'WITH hot AS (SELECT * FROM readings WHERE temperature > 20) SELECT sensor FROM hot',
    'FROM readings UNION ALL FROM readings',
    'FROM readings JOIN history.readings USING (id)',
    'FROM readings WHERE temperature > (SELECT avg(temperature) FROM history.readings)',
    'FROM readings, (SELECT * FROM range(3) ORDER BY 1 LIMIT 1)',
  ])('takes new rows by themselves: %s', async (sql) => {
    expect(await shape(sql)).toMatchObject({ streams: true, stateful: false });
  });

  it.each([
    'SELECT count(*) FROM readings',
    'SELECT sensor FROM readings GROUP BY sensor',
    'SELECT sensor FROM readings GROUP BY ALL',
    'SELECT DISTINCT sensor FROM readings',
    'FROM readings ORDER BY temperature',
    'FROM readings LIMIT 3 OFFSET 2',
    'FROM readings LIMIT 10%',
    'SELECT row_number() OVER () FROM readings',
    'FROM readings UNION FROM readings',
    'FROM readings EXCEPT FROM history.readings',
    'FROM readings USING SAMPLE 3',
    'WITH a AS (SELECT max(id) FROM readings) FROM a',
    'SELECT (SELECT count(*) FROM readings)',
    'WITH a AS (FROM readings) SELECT avg(temperature) FROM a',
  ])('takes all rows at once, as a new one may change the answer: %s', async (sql) => {
    expect(await shape(sql)).toMatchObject({ streams: true, stateful: true, limit: undefined });
  });

  it('finds the limit of a stream', async () => {
    expect(await shape('FROM readings LIMIT 5')).toMatchObject({ stateful: false, limit: 5 });
    expect(await shape('SELECT count(*) FROM readings LIMIT 5')).toMatchObject({
      stateful: true,
      limit: undefined,
    });
  });

  it('distinguishes streams, stored rows and descriptions', async () => {
    expect(await shape('SELECT 1')).toMatchObject({ streams: false, stores: false, describes: false });
    expect(await shape('FROM history.readings')).toMatchObject({ streams: false, stores: true });
    expect(await shape('DESCRIBE readings')).toMatchObject({ describes: true });
  });

  it.each([
    "FROM read_csv('/etc/passwd')",
    "FROM glob('/*')",
    "FROM query('SELECT 1')",
    "FROM query_table('readings')",
    'FROM enable_logging()',
    'FROM enable_profiling()',
    'FROM arrow_scan(1, 2, 3)',
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    'SELECT (SELECT 1 FROM checkpoint())',
    'WITH a AS (FROM duckdb_secrets()) FROM a',
    'SELECT sleep_ms(10)',
    'SELECT pg_sleep(10)',
    'SELECT ["WRITE_LOG"(\'x\')]',
    "SELECT list_transform([1], lambda x: write_log('x'))",
    'FROM range(3) WHERE setseed(0.5) IS NULL',
  ])('refuses %s', async (sql) => {
    await expect(shape(sql)).rejects.toThrow('cannot be used here');
  });

  it('accepts functions without side effects', async () => {
    await expect(shape("SELECT upper('a'), random() FROM range(3), unnest([1])")).resolves.toBeDefined();
  });
});
