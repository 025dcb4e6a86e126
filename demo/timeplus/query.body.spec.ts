import { readSql } from './query.body.js';

describe('readSql', () => {
  it('accepts the statement unchanged, and ignores other fields of the body', () => {
    expect(readSql({ sql: ' SELECT 1 ', timeout: 3 })).toBe(' SELECT 1 ');
  });

  it.each([undefined, null, 'SELECT 1', 7, ['SELECT 1']])('rejects the body %p', (body) => {
    expect(() => readSql(body)).toThrow('The body must be a JSON object');
  });

  it.each([{}, { sql: null }, { sql: 1 }, { sql: ['SELECT 1'] }, { sql: {} }, { SQL: 'SELECT 1' }])(
    'rejects %p, whose statement is not a string',
    (body) => {
      expect(() => readSql(body)).toThrow('"sql" must be a string.');
    },
  );

  it('rejects a statement of more than 10,000 characters', () => {
    expect(readSql({ sql: 'x'.repeat(10_000) })).toHaveLength(10_000);
    expect(() => readSql({ sql: 'x'.repeat(10_001) })).toThrow('"sql" must have at most 10000 characters.');
  });
});
