/**
 * The JSON of a state. A state must be plain data, because another node continues with what `JSON.parse()` makes of it: a `Map`
 * would silently become `{}`.
 *
 * @throws {TypeError} with the path of the first value that JSON cannot express.
 */
export function plainJson(state: unknown): string {
  check(state, 'state', []);
  return JSON.stringify(state);
}

function check(value: unknown, path: string, parents: readonly unknown[]): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (Number.isFinite(value)) return;
  if (typeof value !== 'object') throw notPlain(path, String(value));
  if (parents.includes(value)) throw notPlain(path, 'a circular reference');
  const within = [...parents, value];
  if (Array.isArray(value)) {
    // Not forEach(), which skips the holes that JSON makes null.
    for (let i = 0; i < value.length; i++) check(value[i], `${path}[${i}]`, within);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw notPlain(path, `an instance of ${nameOf(prototype)}`);
  }
  for (const [key, item] of Object.entries(value)) {
    // JSON leaves it out, which a property that is read cannot tell.
    if (item !== undefined) check(item, `${path}.${key}`, within);
  }
}

function nameOf(prototype: unknown): string {
  const { constructor } = prototype as { readonly constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== ''
    ? constructor.name
    : 'a class without a name';
}

function notPlain(path: string, what: string): TypeError {
  return new TypeError(`${path} is ${what}`);
}
