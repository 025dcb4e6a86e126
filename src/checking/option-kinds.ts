import { alternatives, rejected, type OptionKind, type OptionTable } from './option-check.js';

/** The longest delay of a timer of Node (2^31 − 1 ms, about 24 days). */
export const MAX_DELAY_MS = 2_147_483_647;

/** Any value. */
export const anything: OptionKind = { holds: () => true, words: ['any value'] };

export const flag: OptionKind = kind((value) => typeof value === 'boolean', 'true', 'false');

/** The off value of a feature. */
export const none: OptionKind = {
  ...kind((value) => value === false, 'false for none'),
  instead: (value) =>
    value === 0 || value === null || value === Infinity ? 'Write false to switch it off.' : undefined,
};

/** A delay of a timer. */
export function delayMs(min: number): OptionKind {
  return {
    ...kind(
      (value) => typeof value === 'number' && value >= min && value <= MAX_DELAY_MS,
      min > 0 ? 'a positive number of milliseconds' : 'a number of milliseconds, 0 or more',
    ),
    instead: (value) =>
      typeof value === 'number' && value > MAX_DELAY_MS && value < Infinity
        ? `The maximum is ${MAX_DELAY_MS}, about 24 days.`
        : numberFromText(value),
  };
}

/** A period without a timer, so it can have any length. */
export const periodMs: OptionKind = /* @__PURE__ */ wholeNumber(1, 'a positive whole number of milliseconds');

export function wholeNumber(
  min: number,
  words = min === 1 ? 'a positive whole number' : `a whole number, ${min} or more`,
): OptionKind {
  return {
    ...kind((value) => Number.isSafeInteger(value) && (value as number) >= min, words),
    instead: numberFromText,
  };
}

export function func(of: string): OptionKind {
  return kind((value) => typeof value === 'function', `a function ${of}`);
}

/** An object with these methods. `words` says where to get one. */
export function having(methods: readonly string[], ...words: string[]): OptionKind {
  const holds = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
  return {
    ...kind(holds, ...words),
    instead: (value) => (typeof value === 'function' ? 'Call it, and pass the result.' : undefined),
  };
}

/** One of some words. */
export function oneOf(...allowed: string[]): OptionKind {
  return kind((value) => allowed.includes(value as string), ...allowed.map((word) => `'${word}'`));
}

/** An object with options. With a word for it, also a list of such objects. */
export function group<T>(table: OptionTable<T>, ...list: string[]): OptionKind {
  const inner = table as OptionTable;
  const words = [`{ ${Object.keys(inner).join(', ')} }`, ...list];
  return { ...kind(() => false, ...words), group: inner, list: list.length > 0 };
}

/** A value of one of several kinds. */
export function anyOf(...kinds: OptionKind[]): OptionKind {
  const grouped = kinds.find(({ group }) => group);
  return {
    ...grouped,
    holds: (value) => kinds.some(({ holds }) => holds(value)),
    words: kinds.flatMap(({ words }) => words),
    instead: (value) => first(kinds, value),
  };
}

export function required(inner: OptionKind): OptionKind {
  return {
    ...inner,
    missing: (where, option) =>
      rejected(`${where}: Missing option "${option}".`, alternatives(inner), { option }),
  };
}

/** An option that belongs to another place. */
export function elsewhere(place: string): OptionKind {
  return { ...kind(() => false), instead: () => `Move it to ${place}.` };
}

/** The same kind, with corrections for some invalid values. */
export function meant(inner: OptionKind, instead: (value: unknown) => string | undefined): OptionKind {
  return { ...inner, instead: (value) => instead(value) ?? inner.instead?.(value) };
}

export function kind(holds: (value: unknown) => boolean, ...words: string[]): OptionKind {
  return { holds, words };
}

function first(kinds: readonly OptionKind[], value: unknown): string | undefined {
  for (const { instead } of kinds) {
    const sentence = instead?.(value);
    if (sentence) return sentence;
  }
  return undefined;
}

/** The correction for a number as text, such as the value of an environment variable. */
function numberFromText(value: unknown): string | undefined {
  const isNumber = typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value));
  return isNumber ? 'This is a string. Convert it with Number(…).' : undefined;
}
