import { dirname, join } from './paths.js';
import { classify, dasherize, routeOf } from './names.js';
import type { Tree } from '../tree.js';

/** The options that the Nest CLI passes to a generator, from the command line and from `nest-cli.json`. */
export interface ElementOptions {
  /** A number when it looks like one on the command line. */
  readonly name: string | number;
  readonly path?: string;
  readonly sourceRoot?: string;
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
  /** The name in URLs: `order-log`. */
  readonly route: string;
  /** `OrderLog` */
  readonly className: string;
  /** The folder, from the root of the workspace. */
  readonly folder: string;
  readonly specSuffix: string;
}

/** Places an element as the generators of Nest do: under the source root, in a folder of its name unless `flat`. */
export function elementOf(tree: Tree, options: ElementOptions): Element {
  if (options.language === 'js')
    throw new Error('This schematic writes TypeScript; the project is set to "js".');
  const given = join(options.path ?? '', String(options.name))
    .split('/')
    .map(dasherize);
  const name = given.at(-1) ?? '';
  const className = classify(name);
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(className)) {
    throw new Error(`"${options.name}" does not make a class name. Choose one that starts with a letter.`);
  }
  const route = routeOf(name);
  if (route === undefined) {
    throw new Error(`"${options.name}" does not make a route. Choose a name of ASCII letters and digits.`);
  }
  const root = hasWorkspaceFile(tree) ? (options.sourceRoot ?? 'src') : '';
  return {
    name,
    route,
    className,
    folder: join(root, ...given.slice(0, -1), options.flat === true ? '' : name),
    specSuffix: dasherize(options.specFileSuffix ?? 'spec'),
  };
}

/** Like Nest's generators: outside of a workspace's root, files go where the command runs. */
function hasWorkspaceFile(tree: Tree): boolean {
  return ['nest-cli.json', 'nest.json', 'tsconfig.json', 'package.json'].some((file) => tree.exists(file));
}

/** The first `*.module.ts` in a folder or in the nearest folder above it. */
export function nearestModule(tree: Tree, folder: string): string | undefined {
  const file = [...tree.getDir(`/${folder}`).subfiles].sort().find((name) => name.endsWith('.module.ts'));
  if (file !== undefined) return join(folder, file);
  return folder === '' ? undefined : nearestModule(tree, dirname(folder));
}
