/**
 * Prints JSON on one line with a space after every colon and comma, as many C++ and Python libraries do:
 * `{"msg": "hello", "idx": 0}`.
 */
export function spacedJson(value: unknown): string {
  // A line break in the indented form is never part of a string, because strings escape it.
  return JSON.stringify(value, null, 1).replaceAll(/,\n */g, ', ').replaceAll(/\n */g, '');
}
