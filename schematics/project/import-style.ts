import { importEnding } from '../module-file/imports.js';
import { readText, type Tree } from '../tree.js';
import { readJson, textIn } from './json.js';
import { dirname, join } from './paths.js';

/** The ending of relative imports in this project: that of a module file, or what the nearest `package.json` above a folder asks for. */
export function importEndingOf(tree: Tree, moduleFile: string | undefined, folder: string): string {
  const source = moduleFile === undefined ? undefined : readText(tree, moduleFile);
  return (source === undefined ? undefined : importEnding(source)) ?? (isEsm(tree, folder) ? '.js' : '');
}

function isEsm(tree: Tree, folder: string): boolean {
  const manifest = join(folder, 'package.json');
  if (tree.exists(manifest)) return textIn(readJson(tree, manifest), 'type') === 'module';
  return folder !== '' && isEsm(tree, dirname(folder));
}
