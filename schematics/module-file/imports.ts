import { afterComment, eolOf, insertItem } from './insert-item.js';
import { listAt, type List } from './list.js';
import { tokenize, type Token } from './tokens.js';

interface ImportDeclaration {
  readonly specifier: string;
  readonly quote: string;
  readonly isType: boolean;
  /** The words outside of the braces, among them the names of a default import and a namespace. */
  readonly words: readonly string[];
  readonly names: List | undefined;
  readonly start: number;
  readonly end: number;
}

/** `source` with `symbol` imported from `specifier`, in the quotes and with the semicolons that are used there. */
export function addImport(source: string, symbol: string, specifier: string): string {
  const imports = importsOf(source);
  const same = imports.find(
    (found) => isSame(found.specifier, specifier) && found.names !== undefined && !found.isType,
  );
  if (same?.names !== undefined) {
    const isThere = same.names.items.some((item) => item.tokens.at(-1)?.text === symbol);
    return isThere ? source : insertItem(source, same.names, symbol, same.names.items.length);
  }
  const last = imports.at(-1);
  const quote = last?.quote ?? "'";
  const semicolon = last === undefined || source[last.end - 1] === ';' ? ';' : '';
  const path = specifier.replaceAll(/['"\\]/g, (character) =>
    character === quote || character === '\\' ? `\\${character}` : character,
  );
  const line = `import { ${symbol} } from ${quote}${path}${quote}${semicolon}`;
  const at = last === undefined ? startOf(source) : afterComment(source, last.end);
  const eol = eolOf(source);
  return source.slice(0, at) + (last === undefined ? line + eol : eol + line) + source.slice(at);
}

/** Behind a byte order mark and a line that names an interpreter. */
function startOf(source: string): number {
  return /^\uFEFF?(?:#!.*\r?\n)?/.exec(source)?.[0].length ?? 0;
}

/** The name under which a text imports `symbol` from `specifier`. */
export function importedName(source: string, symbol: string, specifier: string): string | undefined {
  const named = importsOf(source).filter((found) => isSame(found.specifier, specifier) && !found.isType);
  const item = named
    .flatMap((found) => found.names?.items ?? [])
    .find(({ tokens }) => tokens[0]?.text === symbol);
  return item?.tokens.at(-1)?.text;
}

/** Why `symbol` cannot be imported from `specifier`: the name has another meaning in this text already. */
export function conflictOf(source: string, symbol: string, specifier: string): string | undefined {
  for (const found of importsOf(source)) {
    const item = found.names?.items.find(({ tokens }) => tokens.at(-1)?.text === symbol);
    if (item === undefined && !found.words.includes(symbol)) continue;
    if (!isSame(found.specifier, specifier)) return `it imports ${symbol} from '${found.specifier}'`;
    const [first, ...others] = item?.tokens ?? [];
    if (found.isType || (first?.text === 'type' && others.length > 0))
      return `it imports ${symbol} as a type`;
    if (first?.text !== symbol) return `it uses the name ${symbol} for something else`;
  }
  const declared = tokenize(source).some(
    ({ text }, index, tokens) => text === symbol && DECLARATION.test(tokens[index - 1]?.text ?? ''),
  );
  return declared && importedName(source, symbol, specifier) !== symbol
    ? `it uses the name ${symbol} for something else`
    : undefined;
}

const DECLARATION = /^(?:class|interface|enum|namespace|function|const|let|var)$/;

/** True for two specifiers of one file, whatever their endings. */
function isSame(one: string, other: string): boolean {
  return one === other || withoutEnding(one) === withoutEnding(other);
}

function withoutEnding(specifier: string): string {
  return specifier.startsWith('.') ? specifier.replace(/\.[jt]s$/, '') : specifier;
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
  const files = importsOf(source).filter(
    ({ specifier }) => /^\.\.?\//.test(specifier) && !OTHER_FILE.test(specifier),
  );
  const explicit = (['.js', '.ts'] as const).find((ending) =>
    files.some(({ specifier }) => specifier.endsWith(ending)),
  );
  return explicit ?? (files.length > 0 ? '' : undefined);
}

/** Files whose ending is written in every project. */
const OTHER_FILE =
  /\.(?:[cm][jt]s|json5?|node|wasm|css|s[ac]ss|less|html?|txt|md|gql|graphql|sql|svg|ya?ml)$/;

/** The words of a text outside of its imports, and outside of exports from other files. */
export function wordsInUse(source: string): Set<string> {
  const imports = [...declarationsOf(source, 'import'), ...declarationsOf(source, 'export')];
  const used = tokenize(source).filter(
    ({ kind, start }) =>
      kind === 'word' && !imports.some((found) => start >= found.start && start < found.end),
  );
  return new Set(used.map(({ text }) => text));
}

function importsOf(source: string): ImportDeclaration[] {
  return declarationsOf(source, 'import');
}

function declarationsOf(source: string, keyword: 'import' | 'export'): ImportDeclaration[] {
  const tokens = tokenize(source);
  return tokens.flatMap((token, index) => {
    const isStatement = token.kind === 'word' && token.text === keyword && tokens[index - 1]?.text !== '.';
    const found = isStatement ? importAt(tokens, index) : undefined;
    return found === undefined ? [] : [found];
  });
}

/**
 * A static import: `import`, names, `from` and a string, or `import` and a string; not `import()` or `import.meta`. With
 * `export` in the place of `import`, an export from another file.
 */
function importAt(tokens: readonly Token[], start: number): ImportDeclaration | undefined {
  let index = start + 1;
  const isExport = tokens[start]?.text === 'export';
  if (isExport && !/^(?:\{|\*|type)$/.test(tokens[index]?.text ?? '')) return undefined;
  let names: List | undefined;
  const words: string[] = [];
  while (tokens[index]?.kind !== 'string') {
    const token = tokens[index];
    if (token === undefined || '(.=;:<>)]}'.includes(token.text)) return undefined;
    if (token.text === '{') names = listAt(tokens, index);
    else if (token.kind === 'word') words.push(token.text);
    index = token.text === '{' && names !== undefined ? names.close + 1 : index + 1;
  }
  if (index > start + 1 && tokens[index - 1]?.text !== 'from') return undefined;
  const from = tokens[index] as Token;
  const attributes = tokens[index + 1]?.text === 'with' ? listAt(tokens, index + 2) : undefined;
  const last = attributes?.close ?? index;
  const end = tokens[last + 1]?.text === ';' ? last + 1 : last;
  return {
    specifier: from.text.slice(1, -1),
    quote: from.text.charAt(0),
    isType: tokens[start + 1]?.text === 'type' && tokens[start + 2]?.text !== 'from',
    words,
    names,
    start: tokens[start]?.start ?? 0,
    end: tokens[end]?.end ?? from.end,
  };
}
