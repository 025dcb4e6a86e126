import { addImport, conflictOf, importedName, wordsInUse } from './imports.js';
import { WIDTH } from '../layout.js';
import { isGarbled } from '../tree.js';
import { insertItem } from './insert-item.js';
import { listAt, type Item, type List } from './list.js';
import { tokenize, type Token } from './tokens.js';

/** An entry to add to a module: `expression` in the array `property`, and the import that it needs. */
export interface ModuleEntry {
  readonly property: 'imports' | 'controllers' | 'providers';
  readonly symbol: string;
  /** @default the symbol */
  readonly expression?: string;
  readonly specifier: string;
}

/**
 * The result: the new text, nothing to do, or the reason why the text was not changed. `isTaken` if the reason is that
 * the symbol has another meaning in the text.
 */
export type ModuleEdit =
  | { readonly kind: 'added'; readonly source: string }
  | { readonly kind: 'present' }
  | { readonly kind: 'unclear'; readonly reason: string; readonly isTaken?: boolean };

/** The order in which a module's arrays are written. */
const PROPERTIES = ['imports', 'controllers', 'providers'];

/**
 * Adds an entry to the `@Module()` of a source text, or says why it cannot. Nothing else in the text changes. If the text
 * has several modules, the one of the class `className` gets the entry.
 */
export function addToModule(source: string, entry: ModuleEntry, className?: string): ModuleEdit {
  const { symbol, specifier } = entry;
  const conflict = conflictOf(source, symbol, specifier);
  if (conflict !== undefined) return { kind: 'unclear', reason: conflict, isTaken: true };
  if (wordsInUse(source).has(importedName(source, symbol, specifier) ?? symbol)) return { kind: 'present' };
  if ((importedName(source, symbol, specifier) ?? symbol) !== symbol) {
    return unclear(`it imports ${symbol} under another name`);
  }
  if (isGarbled(source)) return unclear('it is not encoded as UTF-8');
  const metadata = findMetadata(source, className);
  if (typeof metadata === 'string') return unclear(metadata);
  const added = addToProperty(source, metadata.tokens, metadata.object, entry);
  return typeof added === 'string'
    ? unclear(added)
    : { kind: 'added', source: addImport(added.source, symbol, specifier) };
}

function unclear(reason: string): ModuleEdit {
  return { kind: 'unclear', reason };
}

function findMetadata(source: string, className?: string): { tokens: Token[]; object: List } | string {
  const tokens = tokenize(source);
  const found = tokens.flatMap((token, at) =>
    token.text === '@' && tokens[at + 1]?.text === 'Module' ? [at] : [],
  );
  const wanted = found.length > 1 ? found.filter((at) => classAt(tokens, at) === className) : found;
  const [decorator] = wanted;
  if (found.length === 0) return 'it has no @Module() decorator';
  if (decorator === undefined || wanted.length > 1) return 'it has more than one @Module() decorator';
  const isObject = tokens[decorator + 2]?.text === '(' && tokens[decorator + 3]?.text === '{';
  const object = isObject ? listAt(tokens, decorator + 3) : undefined;
  const after = object === undefined ? undefined : tokens.slice(object.close + 1, object.close + 3);
  const isWhole = after?.[0]?.text === ')' || (after?.[0]?.text === ',' && after[1]?.text === ')');
  return object !== undefined && isWhole
    ? { tokens, object }
    : 'the argument of its @Module() is not an object literal';
}

/** The name of the class that a decorator is on. */
function classAt(tokens: readonly Token[], decorator: number): string | undefined {
  let at = decorator;
  while (tokens[at]?.text === '@') {
    at += 2;
    while (tokens[at]?.text === '.') at += 2;
    if (tokens[at]?.text === '(') at = (listAt(tokens, at)?.close ?? at) + 1;
  }
  while (/^(?:export|default|abstract)$/.test(tokens[at]?.text ?? '')) at += 1;
  return tokens[at]?.text === 'class' ? tokens[at + 1]?.text : undefined;
}

function addToProperty(
  source: string,
  tokens: readonly Token[],
  object: List,
  { property, symbol, expression = symbol }: ModuleEntry,
): { source: string } | string {
  const at = object.items.findIndex((item) => nameOf(item) === property);
  const unnamed = object.items.findLastIndex((item) => nameOf(item) === undefined);
  if (unnamed > at) {
    return object.items[unnamed]?.tokens[0]?.text === '.'
      ? `its ${property} may come from an object that is spread into @Module()`
      : `its ${property} may come from a method, an accessor or a computed name in @Module()`;
  }
  if (at === -1) {
    const index = placeOf(property, object);
    return { source: insertItem(source, object, `${property}: [${expression}]`, index, WIDTH) };
  }
  const value = object.items[at]?.tokens[2];
  const array = value?.text === '[' ? listAt(tokens, tokens.indexOf(value)) : undefined;
  const isWhole = array !== undefined && tokens[array.close]?.end === object.items[at]?.end;
  if (!isWhole) return `its ${property} are not an array literal`;
  return { source: insertItem(source, array, expression, array.items.length, WIDTH) };
}

/** The name of a property that is written `name: value` or `'name': value`, or of a shorthand. */
function nameOf(item: Item): string | undefined {
  const [name, colon] = item.tokens;
  if (name === undefined || name.kind === 'other') return undefined;
  if (colon !== undefined && colon.text !== ':') return undefined;
  return name.kind === 'string' ? name.text.slice(1, -1) : name.text;
}

/** Behind the last property that is usually written before this one. */
function placeOf(property: string, object: List): number {
  const earlier = PROPERTIES.slice(0, PROPERTIES.indexOf(property));
  return object.items.findLastIndex((item) => earlier.includes(nameOf(item) ?? '')) + 1;
}
