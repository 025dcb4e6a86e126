import { tokenize } from '../module-file/tokens.js';
import { readText, type Tree } from '../tree.js';

/** The value of a JSON file, which may have a byte order mark, comments and trailing commas; `undefined` if it has no value. */
export function readJson(tree: Tree, path: string): unknown {
  const tokens = tokenize(readText(tree, path) ?? '');
  const plain = tokens.filter(({ text }, at) => text !== ',' || !/^[\]}]$/.test(tokens[at + 1]?.text ?? ''));
  try {
    return JSON.parse(plain.map(({ text }) => text).join(''));
  } catch {
    return undefined;
  }
}

/** True for an object in braces. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object in a property, or an empty one. */
export function recordIn(value: unknown, property: string): Readonly<Record<string, unknown>> {
  const found = isRecord(value) && Object.hasOwn(value, property) ? value[property] : undefined;
  return isRecord(found) ? found : {};
}

/** The text in a property, if there is text. */
export function textIn(value: unknown, property: string): string | undefined {
  const found = isRecord(value) ? value[property] : undefined;
  return typeof found === 'string' ? found : undefined;
}
