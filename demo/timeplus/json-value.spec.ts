import { DuckDBInstance, type DuckDBConnection, type Json } from '@duckdb/node-api';
import { jsonValue } from './json-value.js';

describe('jsonValue', () => {
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;

  beforeAll(async () => {
    instance = await DuckDBInstance.create(':memory:');
    connection = await instance.connect();
  });
  afterAll(() => {
    connection.closeSync();
    instance.closeSync();
  });

  async function value(expression: string): Promise<Json | null | undefined> {
    const result = await connection.run(`SELECT ${expression}`);
    const [row] = await result.convertRows(jsonValue);
    return row?.[0];
  }

  it.each([
    ['9007199254740991::BIGINT', 9007199254740991],
    ['9007199254740992::BIGINT', '9007199254740992'],
    ['-9007199254740992::BIGINT', '-9007199254740992'],
    ['sum(range)', 6],
    ['170141183460469231731687303715884105727::HUGEINT', '170141183460469231731687303715884105727'],
    ['18446744073709551615::UBIGINT', '18446744073709551615'],
    ['7::UHUGEINT', 7],
  ])('makes a number of an integer unless it is too large for one: %s', async (expression, expected) => {
    expect(await value(`${expression} FROM range(4)`)).toBe(expected);
  });

  it.each([
    ['1.50', 1.5],
    ['-0.001::DECIMAL(9,3)', -0.001],
    ['123456789012.345', 123456789012.345],
    ['1234567890123456.5', '1234567890123456.5'],
    ['0.1::DOUBLE', 0.1],
    ['70.9::FLOAT', 70.9],
    ['16777217::FLOAT', 16777216],
    ['0.3333333::FLOAT', 0.3333333],
    ["'NaN'::DOUBLE", 'NaN'],
    ["'-infinity'::FLOAT", '-Infinity'],
  ])('makes a number of a fraction unless digits would be lost: %s', async (expression, expected) => {
    expect(await value(expression)).toBe(expected);
  });

  it.each([
    ["TIMESTAMP '2026-01-02 03:04:05.678901'", '2026-01-02 03:04:05.678901'],
    ["DATE '2026-01-02'", '2026-01-02'],
    ["TIME '03:04:05'", '03:04:05'],
    ["'6f1c1a52-7a3e-4a43-9d2b-1f1f2c3d4e5f'::UUID", '6f1c1a52-7a3e-4a43-9d2b-1f1f2c3d4e5f'],
    ["'\\xAA\\x00b'::BLOB", '\\xAA\\x00b'],
    ['NULL', null],
    ['true', true],
    ["'naïve ☃'", 'naïve ☃'],
  ])('writes %s as %p', async (expression, expected) => {
    expect(await value(expression)).toEqual(expected);
  });

  it('converts nested values', async () => {
    expect(await value('[1::BIGINT, NULL, 9007199254740993]')).toEqual([1, null, '9007199254740993']);
    expect(await value("{'a': 1::BIGINT, 'b': {'c': [1.5]}}")).toEqual({ a: 1, b: { c: [1.5] } });
    expect(await value("MAP {'k': 1::HUGEINT}")).toEqual([{ key: 'k', value: 1 }]);
  });

  it('knows every type of the engine', async () => {
    const result = await connection.run('SELECT * FROM test_all_types()');
    const rows = await result.convertRows(jsonValue);
    expect(rows).toHaveLength(3);
    expect(JSON.parse(JSON.stringify(rows))).toEqual(rows);
  });
});
