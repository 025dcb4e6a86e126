import type { Tree } from '../tree.js';
import { checkProject } from './configuration.js';
import { classify, dasherize, folderName } from './names.js';
import { basename, dirname, join } from './paths.js';

/** The options that the Nest CLI passes to a generator, from the command line and from `nest-cli.json`. */
export interface ElementOptions {
  /** A number or a boolean when it looks like one on the command line. */
  readonly name: string | number | boolean;
  readonly path?: string;
  readonly sourceRoot?: string;
  readonly project?: string;
  readonly language?: string;
  readonly flat?: boolean;
  readonly spec?: boolean;
  readonly specFileSuffix?: string;
  readonly skipImport?: boolean;
}

/** The location and the names of a generated element. */
export interface Element {
  /** `order-log` */
  readonly name: string;
  /** `OrderLog` */
  readonly className: string;
  /** The folder, from the root of the workspace. */
  readonly folder: string;
  readonly specSuffix: string;
}

/** Places an element as the generators of Nest do: under the source root, in a folder of its name unless `flat`. */
export function elementOf(tree: Tree, options: ElementOptions): Element {
  if (options.language === 'js') {
    throw new Error(
      'Nothing was written: the language of the project is "js", and this generator writes only TypeScript. Set "language" to "ts" in nest-cli.json, or write the files by hand.',
    );
  }
  checkProject(tree, options.project);
  const given = join(options.path ?? '', String(options.name)).split('/');
  const last = given.pop() ?? '';
  const name = dasherize(last);
  const className = classify(name);
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(className)) {
    throw new Error(
      `"${options.name}" does not make a class name. Use letters, digits and dashes, with a letter first.`,
    );
  }
  const root = hasWorkspaceFile(tree) ? (options.sourceRoot ?? 'src') : '';
  const parent = join(root, ...given.map(folderName));
  return {
    name,
    className,
    folder: options.flat === true ? parent : ownFolder(tree, parent, name, folderName(last)),
    specSuffix: specSuffixOf(options),
  };
}

/** Beside the other files of a feature, also if the name of their folder has underscores or dots. */
function ownFolder(tree: Tree, parent: string, name: string, asNest: string): string {
  const isThere = tree.getDir(`/${join(parent, asNest)}`).subfiles.length > 0;
  return join(parent, isThere ? asNest : name);
}

function specSuffixOf({ specFileSuffix = '' }: ElementOptions): string {
  const suffix = folderName(specFileSuffix) || 'spec';
  if (!/^[\p{ID_Continue}-]+(?:\.[\p{ID_Continue}-]+)*$/u.test(suffix)) {
    throw new Error(
      `Invalid spec file suffix "${specFileSuffix}". Use letters, digits and dashes, for example "test".`,
    );
  }
  return suffix;
}

/** Like Nest's generators: outside of a workspace's root, files go where the command runs. */
function hasWorkspaceFile(tree: Tree): boolean {
  return ['nest-cli.json', 'nest.json', 'tsconfig.json', 'package.json'].some((file) => tree.exists(file));
}

/**
 * The module file in a folder or in the nearest folder above it. Of several, it is the one of the element or of the folder,
 * or `app.module.ts`, or the first by name.
 */
export function nearestModule(tree: Tree, folder: string, name: string): string | undefined {
  const files = [...tree.getDir(`/${folder}`).subfiles].sort().filter((file) => file.endsWith('.module.ts'));
  const preferred = [name, basename(folder), 'app'].map((stem) => `${stem}.module.ts`);
  const file = preferred.find((found) => files.includes(found)) ?? files[0];
  if (file !== undefined) return join(folder, file);
  return folder === '' ? undefined : nearestModule(tree, dirname(folder), name);
}
