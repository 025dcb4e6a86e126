import type { Token } from './tokens.js';

/** One item of a {@link List}: its text, and the end of the comma after it if there is one. */
export interface Item {
  readonly tokens: readonly Token[];
  readonly start: number;
  readonly end: number;
  readonly comma: number | undefined;
}

/** What stands between two brackets, separated by commas: an array, an object, the names of an import. */
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

/**
 * `source` with `text` as item number `index` of the list, laid out as the items that are there. If that makes its one
 * line longer than `width`, every item gets a line of its own.
 */
export function insertItem(
  source: string,
  list: List,
  text: string,
  index: number,
  width = Number.POSITIVE_INFINITY,
): string {
  const [first, before] = [list.items[0], list.items[index - 1]];
  if (first === undefined) return insertOnly(source, list, text);
  if (source.slice(list.start, first.start).includes('\n'))
    return insertLine(source, list, text, before, index);
  if (
    lineAt(source, list.start).length + text.length + 2 > width &&
    lineAt(source, list.start).length <= width
  ) {
    const wrapped = wrap(source, list, text, index);
    if (wrapped !== undefined) return wrapped;
  }
  if (before === undefined) return splice(source, first.start, first.start, `${text}, `);
  const tail = index < list.items.length || before.comma !== undefined ? ',' : '';
  const head = before.comma === undefined ? ',' : '';
  return splice(source, before.comma ?? before.end, undefined, `${head} ${text}${tail}`);
}

function insertLine(
  source: string,
  list: List,
  text: string,
  before: Item | undefined,
  index: number,
): string {
  const beside = before ?? list.items[0];
  const line = `${eolOf(source)}${indentAt(source, beside?.start ?? 0)}${text}`;
  if (before === undefined) return splice(source, afterComment(source, list.start), undefined, `${line},`);
  const separated = before.comma === undefined ? splice(source, before.end, undefined, ',') : source;
  const tail = index < list.items.length || before.comma !== undefined ? ',' : '';
  return splice(separated, afterComment(separated, before.comma ?? before.end + 1), undefined, line + tail);
}

/** All items on lines of their own; not if there are comments between them, which might be about either. */
function wrap(source: string, list: List, text: string, index: number): string | undefined {
  const texts = list.items.map(({ start, end }) => source.slice(start, end));
  const between = source.slice(list.start, list.end);
  if (between.replace(/[\s,]/g, '') !== texts.join('').replace(/[\s,]/g, '')) return undefined;
  const [eol, outer] = [eolOf(source), indentAt(source, list.start)];
  const lines = texts.toSpliced(index, 0, text).map((item) => `${eol}${outer}${indentUnit(source)}${item},`);
  return splice(source, list.start, list.end, `${lines.join('')}${eol}${outer}`);
}

/** Into brackets with nothing but space or a comment between them. */
function insertOnly(source: string, list: List, text: string): string {
  const inside = source.slice(list.start, list.end);
  if (inside.trim() === '' && source[list.start - 1] === '[')
    return splice(source, list.start, list.end, text);
  const [eol, outer] = [eolOf(source), indentAt(source, list.start)];
  const line = `${inside.trimEnd()}${eol}${outer}${indentUnit(source)}${text},${eol}${outer}`;
  return splice(source, list.start, list.end, line);
}

/** Behind a comment on the rest of this line, so that it stays with what it is about. */
function afterComment(source: string, at: number): number {
  const comment = /^[ \t]*(?:\/\/[^\r\n]*|\/\*[^\r\n]*?\*\/(?=[ \t]*(?:\r?\n|$)))/.exec(source.slice(at));
  return at + (comment?.[0].length ?? 0);
}

function splice(source: string, start: number, end: number | undefined, text: string): string {
  return source.slice(0, start) + text + source.slice(end ?? start);
}

/** How the line that holds `at` is indented. */
function indentAt(source: string, at: number): string {
  return /^[ \t]*/.exec(lineAt(source, at))?.[0] ?? '';
}

function lineAt(source: string, at: number): string {
  return /^[^\r\n]*/.exec(source.slice(source.lastIndexOf('\n', at - 1) + 1))?.[0] ?? '';
}

function indentUnit(source: string): string {
  return /^(\t| {2,8})\S/m.exec(source)?.[1] ?? '  ';
}

/** The line ending of a text. */
export function eolOf(source: string): string {
  return source.includes('\r\n') ? '\r\n' : '\n';
}
