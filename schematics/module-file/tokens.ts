/** A piece of a source text that is neither space nor comment. */
export interface Token {
  readonly kind: 'word' | 'string' | 'other';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const SPACE = /\s+/y;
const COMMENT = /\/\/[^\r\n]*|\/\*[^]*?\*\//y;
const WORD = /[\p{ID_Continue}$#\u200c\u200d]+/uy;
const QUOTED = /'(?:[^'\\\r\n]|\\[^])*'|"(?:[^"\\\r\n]|\\[^])*"/y;
const REGEXP = /\/(?:[^/\\[\r\n]|\\.|\[(?:[^\]\\\r\n]|\\.)*\])+\/\w*/y;

/**
 * The tokens of a TypeScript or JSON text. The project's own compiler would know more, but TypeScript 7 has no
 * programmatic interface, and brackets, names and strings are all that the schematics need to see.
 */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = source.startsWith('\uFEFF') ? 1 : 0;
  while (at < source.length) {
    const skipped = matchAt(SPACE, source, at) ?? matchAt(COMMENT, source, at);
    if (skipped !== undefined) {
      at = skipped;
      continue;
    }
    const token = tokenAt(source, at, tokens.at(-1));
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function tokenAt(source: string, start: number, before: Token | undefined): Token {
  const word = matchAt(WORD, source, start);
  if (word !== undefined) return token(source, 'word', start, word);
  const string = source[start] === '`' ? templateEnd(source, start) : matchAt(QUOTED, source, start);
  if (string !== undefined) return token(source, 'string', start, string);
  const regexp = startsExpression(before) ? matchAt(REGEXP, source, start) : undefined;
  return token(source, 'other', start, regexp ?? start + 1);
}

function token(source: string, kind: Token['kind'], start: number, end: number): Token {
  return { kind, text: source.slice(start, end), start, end };
}

/** A slash divides after a value and opens a regular expression elsewhere. */
function startsExpression(before: Token | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === 'word')
    return /^(?:return|typeof|case|in|of|void|delete|throw|await|yield)$/.test(before.text);
  return before.kind === 'other' && !')]}'.includes(before.text);
}

/** The end of a template literal. A `${` in it may contain any code, including other templates. */
function templateEnd(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== '`') {
    if (source[at] === '\\') at += 2;
    else if (source.startsWith('${', at)) at = substitutionEnd(source, at + 2);
    else at += 1;
  }
  return Math.min(at + 1, source.length);
}

function substitutionEnd(source: string, start: number): number {
  let depth = 1;
  let at = start;
  let before: Token | undefined;
  while (at < source.length && depth > 0) {
    const skipped = matchAt(SPACE, source, at) ?? matchAt(COMMENT, source, at);
    if (skipped === undefined) {
      before = tokenAt(source, at, before);
      if (before.text === '{') depth += 1;
      if (before.text === '}') depth -= 1;
    }
    at = skipped ?? before?.end ?? source.length;
  }
  return at;
}

function matchAt(pattern: RegExp, source: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(source) ? pattern.lastIndex : undefined;
}
