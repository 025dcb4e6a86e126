import { SseError, quoted } from '../errors/sse.errors.js';

/** What an option may be: how to tell, and how to say it. */
export interface OptionKind {
  /** Whether a value is one. An object where there is a `group` is not asked about, but looked into. */
  holds(value: unknown): boolean;
  /** Each of them ends the sentence "It is …". */
  readonly words: readonly string[];
  /** The options of an object that is given here. */
  readonly group?: OptionTable;
  /** Whether a list of such objects will do as well. */
  readonly list?: boolean;
  /** Whether it cannot be left out. */
  readonly required?: boolean;
  /** Whether it stands in the table only to say where it belongs. */
  readonly elsewhere?: boolean;
  /** What was probably meant by a value that is none, as a sentence. */
  instead?(value: unknown): string | undefined;
}

/** The kind of each option of `T`; one that is added to the type has to be added here, or it does not compile. */
export type OptionTable<T = Record<string, unknown>> = { readonly [K in keyof T]-?: OptionKind };

/**
 * Refuses what is no object, keys that no option has, and values that are not of their option's kind.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` with the place, the option, the value, and what to write.
 */
export function checkOptions(where: string, given: unknown, table: OptionTable, path = ''): void {
  if (!isGroup(given)) {
    throw new SseError('SSE_INVALID_OPTIONS', `${where}: the options cannot be ${quoted(given)}.`, {
      remedy: 'Give an object: {} for the defaults.',
      context: { value: given },
    });
  }
  for (const [key, value] of Object.entries(given)) {
    const kind = Object.hasOwn(table, key) ? table[key] : undefined;
    if (!kind) throw unknown(where, path, key, value, table);
    if (value !== undefined) checkValue(where, path + key, value, kind);
  }
  for (const [key, kind] of Object.entries(table)) {
    if (kind.required && given[key] === undefined) throw missing(where, path + key, kind);
  }
}

/** The error that refuses the value of an option. */
export function refused(where: string, name: string, value: unknown, remedy: string): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `${where}: the option "${name}" cannot be ${quoted(value)}.`, {
    remedy,
    context: { option: name, value },
  });
}

function checkValue(where: string, name: string, value: unknown, kind: OptionKind): void {
  const { group, list } = kind;
  if (list && Array.isArray(value)) {
    value.forEach((item, i) => checkValue(where, `${name}[${i}]`, item, { ...kind, list: false }));
  } else if (group && isGroup(value)) checkOptions(where, value, group, `${name}.`);
  else if (!kind.holds(value)) {
    const instead = kind.instead?.(value);
    throw refused(where, name, value, `It is ${said(kind)}.${instead ? ` ${instead}` : ''}`);
  }
}

function unknown(where: string, path: string, key: string, value: unknown, table: OptionTable): SseError {
  const name = path + key;
  const near = nearest(key, table);
  const remedy = near
    ? `Did you mean "${path}${near}"? Rename it, or take it out.`
    : `Take it out, or use one of ${listed(table)}.`;
  return new SseError(
    'SSE_INVALID_OPTIONS',
    `${where}: there is no option "${name}" (given as ${quoted(value)}).`,
    {
      remedy,
      context: { option: name, value },
    },
  );
}

function missing(where: string, name: string, kind: OptionKind): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `${where}: the option "${name}" is missing.`, {
    remedy: `It is ${said(kind)}.`,
    context: { option: name },
  });
}

/** The words of a kind as one: "a, b or c". */
function said({ words }: OptionKind): string {
  const last = words.at(-1) ?? '';
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${last}` : last;
}

function listed(table: OptionTable): string {
  const names = Object.keys(table).filter((name) => !table[name]?.elsewhere);
  return names.map((name) => `"${name}"`).join(', ');
}

/** What it counts to have forgotten the unit: more than a letter, less than two. */
const UNIT = 1.1;

/** The known option that is most like a key: of the table itself, or one deeper. */
function nearest(key: string, table: OptionTable): string | undefined {
  const names = Object.keys(table).map((name) => ({ name, last: name }));
  const nested = Object.entries(table).flatMap(([name, { group }]) =>
    Object.keys(group ?? {}).map((last) => ({ name: `${name}.${last}`, last })),
  );
  let best: string | undefined;
  let least = Infinity;
  for (const { name, last } of [...names, ...nested]) {
    // Case is nothing, a unit little more than a letter.
    const far = Math.min(
      distance(key.toLowerCase(), last.toLowerCase()),
      distance(withoutUnit(key), withoutUnit(last)) + UNIT,
    );
    if (Math.floor(far) <= Math.max(1, Math.floor(key.length / 4)) && far < least)
      [best, least] = [name, far];
  }
  return best;
}

function withoutUnit(name: string): string {
  return name.toLowerCase().replace(/(?:ms|bytes)$/, '');
}

/** How many letters have to be added, left out, changed, or swapped with the next. */
function distance(one: string, other: string): number {
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const change = one[i - 1] === other[j - 1] ? 0 : 1;
      const swapped = one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      next[j] = Math.min(at(row, j) + 1, at(next, j - 1) + 1, at(row, j - 1) + change);
      if (swapped) next[j] = Math.min(at(next, j), at(before, j - 2) + 1);
    }
    [before, row] = [row, next];
  }
  return at(row, other.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
