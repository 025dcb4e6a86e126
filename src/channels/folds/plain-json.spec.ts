import { plainJson } from './plain-json.js';

describe('the JSON of a state', () => {
  it('is that of plain data', () => {
    const state = { list: [null, 'a', 1, true], none: undefined, ['__proto__']: 1 };
    expect(plainJson(state)).toBe('{"list":[null,"a",1,true],"__proto__":1}');
  });

  it.each([
    // eslint-disable-next-line no-sparse-arrays
    [[1, , 2], 'state[1] is undefined'],
    [{ a: [new Map()] }, 'state.a[0] is an instance of Map'],
    [Object.create(Object.create(null)), 'state is an instance of a class without a name'],
    [Object.create({ constructor: 5 }), 'state is an instance of a class without a name'],
    [{ a: 1n }, 'state.a is 1'],
    [Number.NaN, 'state is NaN'],
  ])('rejects %p with the path', (state, message) => {
    expect(() => plainJson(state)).toThrow(new TypeError(message));
  });
});
