import { plainJson } from './plain-json.js';

describe('the JSON of a state', () => {
  it('is that of plain data', () => {
    const state = { list: [null, 'a', 1, true], none: undefined, ['__proto__']: 1 };
    expect(plainJson(state)).toBe('{"list":[null,"a",1,true],"__proto__":1}');
  });

  it('repeats a value that the state contains more than once', () => {
    const shared = { a: [1] };
    expect(plainJson({ first: shared, second: [shared, shared] })).toBe(
      '{"first":{"a":[1]},"second":[{"a":[1]},{"a":[1]}]}',
    );
  });

  it.each([
    [
      'an object',
      'state.list[1].back',
      (): unknown => {
        const state: Record<string, unknown> = {};
        state['list'] = [1, { back: state }];
        return state;
      },
    ],
    [
      'an array',
      'state.a[0][0]',
      (): unknown => {
        const list: unknown[] = [];
        list.push([list]);
        return { a: list };
      },
    ],
  ])('rejects %s that contains itself, with the path', (_, path, make) => {
    expect(() => plainJson(make())).toThrow(new TypeError(`${path} is a circular reference`));
  });

  it.each([
    // eslint-disable-next-line no-sparse-arrays
    [[1, , 2], 'state[1] is undefined'],
    [{ a: [new Map()] }, 'state.a[0] is an instance of Map'],
    [Object.create(Object.create(null)), 'state is an instance of a class without a name'],
    [Object.create({ constructor: 5 }), 'state is an instance of a class without a name'],
    [{ a: 1n }, 'state.a is 1'],
    [Number.NaN, 'state is NaN'],
    [{ a: -Infinity }, 'state.a is -Infinity'],
  ])('rejects %p with the path', (state, message) => {
    expect(() => plainJson(state)).toThrow(new TypeError(message));
  });
});
