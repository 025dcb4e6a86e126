import type { Tree } from '../tree.js';
import { readJson, textIn } from './json.js';

/** The major versions of Nest among the peer dependencies of this package. */
export const SUPPORTED_NEST: readonly number[] = [11, 12];

/** A sentence about an installed version of Nest that does not work with this package. */
export function unsupportedNest(tree: Tree, name: string): string | undefined {
  const version = textIn(readJson(tree, 'node_modules/@nestjs/common/package.json'), 'version') ?? '';
  const major = /^(\d+)\./.exec(version)?.[1];
  if (major === undefined || SUPPORTED_NEST.includes(Number(major))) return undefined;
  return `@nestjs/common ${version} is installed. ${name} needs version ${SUPPORTED_NEST.join(' or ')}.`;
}
