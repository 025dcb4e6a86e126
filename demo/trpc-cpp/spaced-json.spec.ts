import { spacedJson } from './spaced-json.js';

describe('spacedJson', () => {
  it('puts one space after each colon and comma, and none elsewhere', () => {
    expect(spacedJson({ msg: 'hello', idx: 0 })).toBe('{"msg": "hello", "idx": 0}');
    expect(spacedJson({ list: [1, { a: null }], none: [], empty: {} })).toBe(
      '{"list": [1, {"a": null}], "none": [], "empty": {}}',
    );
  });

  it('does not change strings', () => {
    const value = { text: 'a,\n  b:\r\n "c" \\n {', 'key,\n ': ' ' };
    expect(spacedJson(value)).not.toMatch(/[\r\n]/);
    expect(JSON.parse(spacedJson(value))).toEqual(value);
  });
});
