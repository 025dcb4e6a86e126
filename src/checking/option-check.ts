import { SseError, quoted } from '../errors/sse.errors.js';

/** The values that an option can have. */
export interface OptionKind {
  /** True for a valid value. If the kind has a `group`, an object is not passed here, and its options are checked instead. */
  holds(value: unknown): boolean;
  /** The alternatives. Each completes the sentence "Use …". Empty for an option that belongs to another place. */
  readonly words: readonly string[];
  /** The options of an object value. */
  readonly group?: OptionTable;
  /** True if a list of such objects is valid too. */
  readonly list?: boolean;
  /** Returns an error if the option cannot be omitted. */
  missing?(where: string, option: string): SseError;
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
    throw rejected(`${where}: Invalid options: ${quoted(given)}.`, 'Use an object: {} for the defaults.', {
      value: given,
    });
  }
  for (const [key, value] of Object.entries(given)) {
    const option = path + key;
    const kind = Object.hasOwn(table, key) ? table[key] : undefined;
    if (!kind) {
      throw rejected(
        `${where}: Unknown option "${option}": ${quoted(value)}.`,
        knownOptions(path, key, table),
        {
          option,
          value,
        },
      );
    }
    if (value !== undefined) checkValue(where, option, value, kind);
  }
  for (const [key, { missing }] of Object.entries(table)) {
    if (missing && given[key] === undefined) throw missing(where, path + key);
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
  return rejected(`${where}: Invalid option "${option}": ${quoted(value)}.`, remedy, { option, value });
}

/** The error of invalid options. */
export function rejected(what: string, remedy: string, context: Record<string, unknown>): SseError {
  return new SseError('SSE_INVALID_OPTIONS', what, { remedy, context });
}

function checkValue(where: string, name: string, value: unknown, kind: OptionKind): void {
  const { group, list } = kind;
  if (list && Array.isArray(value)) {
    value.forEach((item, i) => checkValue(where, `${name}[${i}]`, item, { ...kind, list: false }));
  } else if (group && isGroup(value)) checkOptions(where, value, group, `${name}.`);
  else if (!kind.holds(value)) {
    const sentences = [alternatives(kind), kind.instead?.(value)];
    throw refused(where, name, value, sentences.filter(Boolean).join(' '));
  }
}

function knownOptions(path: string, key: string, table: OptionTable): string {
  const near = nearest(key, table);
  if (near) return `Did you mean "${path}${near}"? Rename it, or remove it.`;
  const names = Object.keys(table).filter((name) => table[name]?.words[0]);
  return `Remove it, or use one of ${names.map((name) => `"${name}"`).join(', ')}.`;
}

/** The alternatives of a kind as a sentence: "Use a, b or c." */
export function alternatives({ words }: OptionKind): string {
  const before = words.slice(0, -1).join(', ');
  const last = words.at(-1);
  return last ? `Use ${before}${before && ' or '}${last}.` : '';
}

/** The distance of a missing unit such as `Ms`: more than one letter, less than two. */
const UNIT_DISTANCE = 1.1;

/** The known option that is most similar to a key: of the table itself, or of one of its groups. */
function nearest(key: string, table: OptionTable): string | undefined {
  const names = Object.keys(table);
  const nested = names.flatMap((name) =>
    Object.keys(table[name]?.group ?? {}).map((last) => `${name}.${last}`),
  );
  let best: string | undefined;
  let least = Infinity;
  for (const name of [...names, ...nested]) {
    const last = name.replace(/.*\./, '').toLowerCase();
    const lower = key.toLowerCase();
    const far = Math.min(
      distance(lower, last),
      distance(withoutUnit(lower), withoutUnit(last)) + UNIT_DISTANCE,
    );
    if (Math.floor(far) <= Math.max(1, Math.floor(key.length / 4)) && far < least)
      [best, least] = [name, far];
  }
  return best;
}

function withoutUnit(name: string): string {
  return name.replace(/(?:ms|bytes)$/, '');
}

/** The number of letters that must be inserted, deleted, replaced, or swapped with the next (Damerau–Levenshtein distance). */
function distance(one: string, other: string): number {
  const rows: number[][] = [];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 0; i <= one.length; i++) {
    const row: number[] = (rows[i] = []);
    for (let j = 0; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      const swapped = one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      row[j] =
        i + j === 0
          ? 0
          : Math.min(
              at(i - 1, j) + 1,
              at(i, j - 1) + 1,
              at(i - 1, j - 1) + (same ? 0 : 1),
              swapped ? at(i - 2, j - 2) + 1 : Infinity,
            );
    }
  }
  return at(one.length, other.length);
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
