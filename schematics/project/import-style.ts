import { importEnding } from '../module-file/imports.js';
import { readText, type Tree } from '../tree.js';

/** The ending of relative imports in this project: that of a module file, or what `package.json` asks for. */
export function importEndingOf(tree: Tree, moduleFile: string | undefined): string {
  const source = moduleFile === undefined ? undefined : readText(tree, moduleFile);
  return (source === undefined ? undefined : importEnding(source)) ?? (isEsm(tree) ? '.js' : '');
}

function isEsm(tree: Tree): boolean {
  try {
    const manifest: unknown = JSON.parse(readText(tree, 'package.json') ?? '{}');
    return (
      typeof manifest === 'object' && manifest !== null && 'type' in manifest && manifest.type === 'module'
    );
  } catch {
    return false;
  }
}
