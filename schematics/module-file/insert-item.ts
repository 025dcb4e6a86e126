import type { Item, List } from './list.js';

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

/**
 * All items on lines of their own; not if there are comments between them, which might be about either, or if a comma is
 * between type arguments.
 */
function wrap(source: string, list: List, text: string, index: number): string | undefined {
  if (!list.items.every(isWhole)) return undefined;
  const texts = list.items.map(({ start, end }) => source.slice(start, end));
  const between = source.slice(list.start, list.end);
  if (between.replace(/[\s,]/g, '') !== texts.join('').replace(/[\s,]/g, '')) return undefined;
  const [eol, outer] = [eolOf(source), indentAt(source, list.start)];
  const lines = texts.toSpliced(index, 0, text).map((item) => `${eol}${outer}${indentUnit(source)}${item},`);
  return splice(source, list.start, list.end, `${lines.join('')}${eol}${outer}`);
}

/** False for a part of `f<A, B>()`: to a {@link List}, its comma is like any other. */
function isWhole({ tokens }: Item): boolean {
  const count = (bracket: string) =>
    tokens.filter(({ text }, at) => text === bracket && tokens[at - 1]?.text !== '=').length;
  return count('<') === count('>');
}

/** Inserts into brackets with only space or a comment between them. */
function insertOnly(source: string, list: List, text: string): string {
  const inside = source.slice(list.start, list.end);
  if (inside.trim() === '' && source[list.start - 1] === '[')
    return splice(source, list.start, list.end, text);
  const [eol, outer] = [eolOf(source), indentAt(source, list.start)];
  const line = `${inside.trimEnd()}${eol}${outer}${indentUnit(source)}${text},${eol}${outer}`;
  return splice(source, list.start, list.end, line);
}

/** The index after a comment on the rest of this line, so that the comment stays with its item. */
export function afterComment(source: string, at: number): number {
  const comment = /^[ \t]*(?:\/\/[^\r\n]*|\/\*(?:(?!\*\/)[^\r\n])*\*\/(?=[ \t]*(?:\r?\n|$)))/.exec(
    source.slice(at),
  );
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
