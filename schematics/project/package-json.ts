import { eolOf, insertItem } from '../module-file/insert-item.js';
import { listAt, type List } from '../module-file/list.js';
import { tokenize, type Token } from '../module-file/tokens.js';
import { isGarbled } from '../tree.js';
import { isRecord } from './json.js';

const DEPENDENCIES = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'];

/** Why a package cannot be added to a manifest. */
export function problemOf(source: string): string | undefined {
  if (isGarbled(source)) return 'it is not encoded as UTF-8';
  let manifest: unknown;
  try {
    manifest = JSON.parse(source.replace(/^\uFEFF/, ''));
  } catch {
    return 'it is not valid JSON';
  }
  if (!isRecord(manifest)) return 'it is not an object';
  const isUsable = !('dependencies' in manifest) || isRecord(manifest['dependencies']);
  return isUsable ? undefined : 'its "dependencies" are not an object';
}

/** `source` with a package among its dependencies, in order of name; `undefined` if it is in any of them already. */
export function addDependency(source: string, name: string, range: string): string | undefined {
  const manifest = JSON.parse(source.replace(/^\uFEFF/, '')) as Record<
    string,
    Record<string, string> | undefined
  >;
  if (DEPENDENCIES.some((kind) => manifest[kind]?.[name] !== undefined)) return undefined;
  const entry = `${JSON.stringify(name)}: ${JSON.stringify(range)}`;
  const tokens = tokenize(source);
  const root = listAt(tokens, 0);
  if (root === undefined || root.items.length === 0) {
    const text = `${JSON.stringify({ dependencies: { [name]: range } }, null, 2)}\n`;
    return (source.startsWith('\uFEFF') ? '\uFEFF' : '') + text.replaceAll('\n', eolOf(source));
  }
  const item = root.items.find(({ tokens: [key] }) => key?.text === '"dependencies"');
  const dependencies =
    item === undefined ? undefined : listAt(tokens, tokens.indexOf(item.tokens[2] as Token));
  if (item === undefined || dependencies === undefined) {
    return insertItem(source, root, `"dependencies": ${block(source, root, entry)}`, root.items.length);
  }
  if (dependencies.items.length > 0)
    return insertItem(source, dependencies, entry, placeOf(name, dependencies));
  return (
    source.slice(0, dependencies.start - 1) + block(source, root, entry) + source.slice(dependencies.end + 1)
  );
}

/** `{ entry }` as the manifest is written: over three lines, indented as its keys are, or on its one line. */
function block(source: string, root: List, entry: string): string {
  const [eol, first] = [eolOf(source), root.items[0]?.start ?? 0];
  const gap = source.slice(root.start, first);
  if (!gap.includes('\n')) return `{ ${entry} }`;
  const indent = /[ \t]*$/.exec(gap)?.[0] ?? '';
  return `{${eol}${indent}${indent}${entry}${eol}${indent}}`;
}

function placeOf(name: string, dependencies: List): number {
  const after = dependencies.items.findIndex(({ tokens: [key] }) => (key?.text.slice(1, -1) ?? '') > name);
  return after === -1 ? dependencies.items.length : after;
}
