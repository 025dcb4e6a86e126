import { historicalSql } from './historical-sql.js';

describe('historicalSql', () => {
  it.each([
    ['SELECT * FROM table(readings)', 'SELECT * FROM history.readings'],
    ['select * from TABLE ( readings ) limit 3', 'select * from history.readings limit 3'],
    [
      'FROM table(readings) a JOIN table(readings) b USING (id)',
      'FROM history.readings a JOIN history.readings b USING (id)',
    ],
    ['FROM table("odd ""name""")', 'FROM history."odd ""name"""'],
  ])('names the stored rows of a stream: %s', (given, made) => {
    expect(historicalSql(given)).toBe(made);
  });

  it.each([
    "SELECT 'table(readings)'",
    "SELECT 'it''s table(readings)'",
    "SELECT E'it\\'s table(readings)'",
    'SELECT 1 AS "table(readings)"',
    'SELECT 1 -- table(readings)',
    'SELECT 1 /* table(readings) */',
    'SELECT $$table(readings)$$, $a$ $$table(readings)$a$',
    "SELECT 'unclosed table(readings)",
    'SELECT 1 /* unclosed table(readings)',
    'SELECT stable(readings), table (a, b), table()',
  ])('leaves everything else alone: %s', (sql) => {
    expect(historicalSql(sql)).toBe(sql);
  });

  it('continues after text that it does not change', () => {
    expect(
      historicalSql('SELECT \'a\' /* b */ FROM table(readings) -- c\nWHERE "d" = $$e$$ OR table(f)'),
    ).toBe('SELECT \'a\' /* b */ FROM history.readings -- c\nWHERE "d" = $$e$$ OR history.f');
  });

  it('needs no more time for text that is never closed', () => {
    // In the square of its length this would outlast the time that a test has.
    for (const piece of ["'", '"', '/*', '$a$', '$', 'table(', "e'\\"])
      expect(historicalSql(piece.repeat(1_000_000 / piece.length))).toBeDefined();
  });
});
