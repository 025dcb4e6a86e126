import { typeName } from './type-name.js';

describe('typeName', () => {
  it.each([
    ['BOOLEAN', 'bool'],
    ['FLOAT', 'float32'],
    ['BIGINT', 'int64'],
    ['VARCHAR[]', 'array(string)'],
    ['INTEGER[][]', 'array(array(int32))'],
    ['DECIMAL(18,3)', 'decimal(18,3)'],
    ['DATE', 'date'],
  ])('names %s as Timeplus does: %s', (type, name) => {
    expect(typeName(type)).toBe(name);
  });
});
