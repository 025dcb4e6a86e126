import { dataSet } from './data-set.js';

describe('dataSet', () => {
  it('makes exactly the requested number of rows, each once and in order', () => {
    for (const count of [1, 99, 100, 101, 250]) {
      const ids = [...dataSet(count)].flatMap(({ rows }) => rows.map(({ id }) => id));
      expect(ids).toEqual(Array.from({ length: count }, (_, index) => index));
    }
  });

  it('makes a chunk only on demand, for any number of rows', () => {
    const chunks = dataSet(10_000_000);
    expect(chunks.next().value).toMatchObject({ type: 'rows', offset: 0, rows: { length: 100 } });
    expect(chunks.next().value).toMatchObject({ type: 'rows', offset: 100, rows: { length: 100 } });
  });
});
