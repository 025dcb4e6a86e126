import { readSql } from './query.body.js';

describe('readSql', () => {
  it('takes the statement as it is, whatever else the body has', () => {
    expect(readSql({ sql: ' SELECT 1 ', timeout: 3 })).toBe(' SELECT 1 ');
  });

  it.each([undefined, null, 'SELECT 1', 7, ['SELECT 1']])('refuses the body %p', (body) => {
    expect(() => readSql(body)).toThrow('The body must be a JSON object');
  });

  it.each([{}, { sql: null }, { sql: 1 }, { sql: ['SELECT 1'] }, { sql: {} }, { SQL: 'SELECT 1' }])(
    'refuses %p, whose statement is no string',
    (body) => {
      expect(() => readSql(body)).toThrow('"sql" must be a string.');
    },
  );

  it('refuses a statement of more than 10,000 characters', () => {
    expect(readSql({ sql: 'x'.repeat(10_000) })).toHaveLength(10_000);
    expect(() => readSql({ sql: 'x'.repeat(10_001) })).toThrow('"sql" must have at most 10000 characters.');
  });
});
