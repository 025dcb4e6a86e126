import { SseError, quoted } from '../errors/sse.errors.js';

/** The values that an option can have. */
export interface OptionKind {
  /** True for a valid value. If the kind has a `group`, an object is not passed here, and its options are checked instead. */
  holds(value: unknown): boolean;
  /** The alternatives. Each completes the sentence "Use …". */
  readonly words: readonly string[];
  /** The options of an object value. */
  readonly group?: OptionTable;
  /** True if a list of such objects is valid too. */
  readonly list?: boolean;
  /** True if the option cannot be omitted. */
  readonly required?: boolean;
  /** The place where the option belongs, if it is not valid here. */
  readonly elsewhere?: string;
  /** A sentence with the probable correction of an invalid value. */
  instead?(value: unknown): string | undefined;
}

/** A contradiction between options that are valid on their own. */
export interface Conflict {
  readonly option: string;
  readonly value: unknown;
  /** Names the other option with its value, and says what to do. */
  readonly remedy: string;
}

/** Returns a conflict if options contradict each other. */
export type OptionRule<T> = (options: T) => Conflict | false | undefined;

/** The kind of each option of `T`. An option that is added to the type but not to the table is a compile error. */
export type OptionTable<T = Record<string, unknown>> = { readonly [K in keyof T]-?: OptionKind };

/**
 * Rejects anything but an object, unknown options, and invalid values.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` with the place, the option, the value, and what to use.
 */
export function checkOptions(where: string, given: unknown, table: OptionTable, path = ''): void {
  if (!isGroup(given)) {
    throw new SseError('SSE_INVALID_OPTIONS', `${where}: Invalid options: ${quoted(given)}.`, {
      remedy: 'Use an object: {} for the defaults.',
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

/**
 * Rejects options that contradict each other. They have passed {@link checkOptions}, and the defaults are filled in.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` with the place and both values.
 */
export function checkRules<T>(where: string, options: T, rules: readonly OptionRule<T>[]): void {
  for (const rule of rules) {
    const conflict = rule(options);
    if (conflict) throw refused(where, conflict.option, conflict.value, conflict.remedy);
  }
}

/** The error that rejects the value of an option. */
export function refused(where: string, option: string, value: unknown, remedy: string): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `${where}: Invalid option "${option}": ${quoted(value)}.`, {
    remedy,
    context: { option, value },
  });
}

function checkValue(where: string, name: string, value: unknown, kind: OptionKind): void {
  const { group, list, elsewhere } = kind;
  if (list && Array.isArray(value)) {
    value.forEach((item, i) => checkValue(where, `${name}[${i}]`, item, { ...kind, list: false }));
  } else if (group && isGroup(value)) checkOptions(where, value, group, `${name}.`);
  else if (elsewhere) throw refused(where, name, value, `Move it to ${elsewhere}.`);
  else if (!kind.holds(value)) {
    const instead = kind.instead?.(value);
    throw refused(where, name, value, `Use ${alternatives(kind)}.${instead ? ` ${instead}` : ''}`);
  }
}

function unknown(where: string, path: string, key: string, value: unknown, table: OptionTable): SseError {
  const option = path + key;
  const near = nearest(key, table);
  const remedy = near
    ? `Did you mean "${path}${near}"? Rename it, or remove it.`
    : `Remove it, or use one of ${listed(table)}.`;
  return new SseError('SSE_INVALID_OPTIONS', `${where}: Unknown option "${option}": ${quoted(value)}.`, {
    remedy,
    context: { option, value },
  });
}

function missing(where: string, option: string, kind: OptionKind): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `${where}: Missing option "${option}".`, {
    remedy: `Use ${alternatives(kind)}.`,
    context: { option },
  });
}

/** The alternatives of a kind: "a, b or c". */
function alternatives({ words }: OptionKind): string {
  const last = words.at(-1) ?? '';
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${last}` : last;
}

function listed(table: OptionTable): string {
  const names = Object.keys(table).filter((name) => !table[name]?.elsewhere);
  return names.map((name) => `"${name}"`).join(', ');
}

/** The distance of a missing unit such as `Ms`: more than one letter, less than two. */
const UNIT_DISTANCE = 1.1;

/** The known option that is most similar to a key: of the table itself, or of one of its groups. */
function nearest(key: string, table: OptionTable): string | undefined {
  const names = Object.keys(table).map((name) => ({ name, last: name }));
  const nested = Object.entries(table).flatMap(([name, { group }]) =>
    Object.keys(group ?? {}).map((last) => ({ name: `${name}.${last}`, last })),
  );
  let best: string | undefined;
  let least = Infinity;
  for (const { name, last } of [...names, ...nested]) {
    const far = Math.min(
      distance(key.toLowerCase(), last.toLowerCase()),
      distance(withoutUnit(key), withoutUnit(last)) + UNIT_DISTANCE,
    );
    if (Math.floor(far) <= Math.max(1, Math.floor(key.length / 4)) && far < least)
      [best, least] = [name, far];
  }
  return best;
}

function withoutUnit(name: string): string {
  return name.toLowerCase().replace(/(?:ms|bytes)$/, '');
}

/** The number of letters that must be inserted, deleted, replaced, or swapped with the next (Damerau–Levenshtein distance). */
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
