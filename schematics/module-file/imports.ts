import { eolOf, insertItem } from './insert-item.js';
import { listAt, type List } from './list.js';
import { tokenize, type Token } from './tokens.js';

interface ImportDeclaration {
  readonly specifier: string;
  readonly quote: string;
  readonly isType: boolean;
  readonly names: List | undefined;
  readonly start: number;
  readonly end: number;
}

/** `source` with `symbol` imported from `specifier`, in the quotes and with the semicolons that are used there. */
export function addImport(source: string, symbol: string, specifier: string): string {
  const imports = importsOf(source);
  const same = imports.find(
    (found) => found.specifier === specifier && found.names !== undefined && !found.isType,
  );
  if (same?.names !== undefined) {
    const isThere = same.names.items.some((item) => item.tokens.at(-1)?.text === symbol);
    return isThere ? source : insertItem(source, same.names, symbol, same.names.items.length);
  }
  const last = imports.at(-1);
  const quote = last?.quote ?? "'";
  const semicolon = last === undefined || source[last.end - 1] === ';' ? ';' : '';
  const line = `import { ${symbol} } from ${quote}${specifier}${quote}${semicolon}`;
  if (last === undefined) return `${line}${eolOf(source)}${source}`;
  return source.slice(0, last.end) + eolOf(source) + line + source.slice(last.end);
}

/** The name under which a text imports `symbol` from `specifier`. */
export function importedName(source: string, symbol: string, specifier: string): string | undefined {
  const named = importsOf(source).filter((found) => found.specifier === specifier && !found.isType);
  const item = named
    .flatMap((found) => found.names?.items ?? [])
    .find(({ tokens }) => tokens[0]?.text === symbol);
  return item?.tokens.at(-1)?.text;
}

/** The specifier from which `name` is imported, by any kind of import. */
export function specifierOf(source: string, name: string): string | undefined {
  const tokens = tokenize(source);
  return importsOf(source).find((found) =>
    tokens.some(({ text, start, end }) => text === name && start > found.start && end < found.end),
  )?.specifier;
}

/** The ending that a text gives to the relative paths it imports (`.js`, `.ts`, none); `undefined` if it has none. */
export function importEnding(source: string): '.js' | '.ts' | '' | undefined {
  const relative = importsOf(source).find(({ specifier }) => /^\.\.?\//.test(specifier));
  if (relative === undefined) return undefined;
  return relative.specifier.endsWith('.js') ? '.js' : relative.specifier.endsWith('.ts') ? '.ts' : '';
}

/** The words of a text outside of its imports. */
export function wordsInUse(source: string): Set<string> {
  const imports = importsOf(source);
  const used = tokenize(source).filter(
    ({ kind, start }) =>
      kind === 'word' && !imports.some((found) => start >= found.start && start < found.end),
  );
  return new Set(used.map(({ text }) => text));
}

function importsOf(source: string): ImportDeclaration[] {
  const tokens = tokenize(source);
  return tokens.flatMap((token, index) => {
    const isStatement = token.kind === 'word' && token.text === 'import' && tokens[index - 1]?.text !== '.';
    const found = isStatement ? importAt(tokens, index) : undefined;
    return found === undefined ? [] : [found];
  });
}

/** A static import: `import`, names, `from` and a string, or `import` and a string; not `import()` or `import.meta`. */
function importAt(tokens: readonly Token[], start: number): ImportDeclaration | undefined {
  let index = start + 1;
  let names: List | undefined;
  while (tokens[index]?.kind !== 'string') {
    const token = tokens[index];
    if (token === undefined || '(.=;'.includes(token.text)) return undefined;
    if (token.text === '{') names = listAt(tokens, index);
    index = token.text === '{' && names !== undefined ? names.close + 1 : index + 1;
  }
  const from = tokens[index] as Token;
  const attributes = tokens[index + 1]?.text === 'with' ? listAt(tokens, index + 2) : undefined;
  const last = attributes?.close ?? index;
  const end = tokens[last + 1]?.text === ';' ? last + 1 : last;
  return {
    specifier: from.text.slice(1, -1),
    quote: from.text.charAt(0),
    isType: tokens[start + 1]?.text === 'type' && tokens[start + 2]?.text !== 'from',
    names,
    start: tokens[start]?.start ?? 0,
    end: tokens[end]?.end ?? from.end,
  };
}
