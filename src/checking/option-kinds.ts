import type { OptionKind, OptionTable } from './option-check.js';

/** The longest delay that a timer can keep (2^31 − 1 ms, about 24 days). */
export const MAX_DELAY_MS = 2_147_483_647;

/** Whatever there is; or what is looked at where it is used. */
export const anything: OptionKind = { holds: () => true, words: ['anything'] };

export const flag: OptionKind = kind((value) => typeof value === 'boolean', 'true', 'false');

/** The off value of a feature. */
export const none: OptionKind = {
  ...kind((value) => value === false, 'false for none'),
  instead: (value) =>
    value === 0 || value === null || value === Infinity ? 'Write false to switch it off.' : undefined,
};

/** A time that a timer can wait. */
export function delayMs(min: number): OptionKind {
  return {
    ...kind(
      (value) => typeof value === 'number' && value >= min && value <= MAX_DELAY_MS,
      `a number of milliseconds from ${min} to ${MAX_DELAY_MS}`,
    ),
    instead: numberFromText,
  };
}

export function wholeNumber(min: number): OptionKind {
  return {
    ...kind(
      (value) => Number.isSafeInteger(value) && (value as number) >= min,
      `a whole number, ${min} or more`,
    ),
    instead: numberFromText,
  };
}

export function func(of: string): OptionKind {
  return kind((value) => typeof value === 'function', `a function ${of}`);
}

/** An object that is used by its methods: `words` says where to get one. */
export function having(methods: readonly string[], ...words: string[]): OptionKind {
  const holds = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
  return {
    ...kind(holds, ...words),
    instead: (value) => (typeof value === 'function' ? 'Call it, and give what it returns.' : undefined),
  };
}

/** One of some words. */
export function oneOf(...allowed: string[]): OptionKind {
  return kind((value) => allowed.includes(value as string), ...allowed.map((word) => `'${word}'`));
}

/** An object with options of its own. */
export function group<T>(table: OptionTable<T>, list = false): OptionKind {
  const inner = table as OptionTable;
  const words = [`{ ${Object.keys(inner).join(', ')} }`, ...(list ? ['a list of these'] : [])];
  return { ...kind(() => false, ...words), group: inner, list };
}

/** What is one of several kinds. */
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
  return { ...inner, required: true };
}

/** An option of another level: the table says where to give it. */
export function elsewhere(place: string): OptionKind {
  return { ...kind(() => false, `an option of ${place}: give it there`), elsewhere: true };
}

/** The same kind, which knows what is probably meant by some values that are none. */
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

/** Variables of the environment are text. */
function numberFromText(value: unknown): string | undefined {
  const isNumber = typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value));
  return isNumber ? `This is text: write Number(…) around it.` : undefined;
}
