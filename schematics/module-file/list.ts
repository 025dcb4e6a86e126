import type { Token } from './tokens.js';

/** One item of a {@link List}: its text, and the end of the comma after it if there is one. */
export interface Item {
  readonly tokens: readonly Token[];
  readonly start: number;
  readonly end: number;
  readonly comma: number | undefined;
}

/** Items between two brackets, separated by commas: an array, an object, or the names of an import. */
export interface List {
  /** Where the text between the brackets starts and ends. */
  readonly start: number;
  readonly end: number;
  readonly items: readonly Item[];
  /** The index of the closing bracket among the tokens. */
  readonly close: number;
}

/** The list whose opening bracket is token number `open`; `undefined` if its closing bracket is missing. */
export function listAt(tokens: readonly Token[], open: number): List | undefined {
  const items: Item[] = [];
  let pending: Token[] = [];
  let depth = 0;
  for (let index = open + 1; index < tokens.length; index++) {
    const token = tokens[index] as Token;
    const ends = depth === 0 && (token.text === ',' || isCloser(token));
    if (!ends) {
      depth += isOpener(token) ? 1 : isCloser(token) ? -1 : 0;
      pending.push(token);
      continue;
    }
    const item = itemOf(pending, token.text === ',' ? token.end : undefined);
    if (item !== undefined) items.push(item);
    pending = [];
    if (token.text !== ',') return { start: tokens[open]?.end ?? 0, end: token.start, items, close: index };
  }
  return undefined;
}

function itemOf(tokens: readonly Token[], comma: number | undefined): Item | undefined {
  const [first, last] = [tokens[0], tokens.at(-1)];
  return first && last ? { tokens, start: first.start, end: last.end, comma } : undefined;
}

function isOpener(token: Token): boolean {
  return token.kind === 'other' && '([{'.includes(token.text);
}

function isCloser(token: Token): boolean {
  return token.kind === 'other' && ')]}'.includes(token.text);
}
