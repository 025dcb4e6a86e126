import { addToModule, type ModuleEntry } from '../module-file/module-metadata.js';
import { readText, type Context, type Tree } from '../tree.js';
import { nearestModule, type Element, type ElementOptions } from './element.js';
import { importEndingOf } from './import-style.js';
import { join, relativeSpecifier } from './paths.js';

/** The texts of an element's two files. */
export interface ElementFiles {
  /** `controller` in `order-log.controller.ts`. */
  readonly kind: string;
  readonly className: string;
  readonly property: ModuleEntry['property'];
  source(): string;
  /** `specifier` is how the spec imports the source. */
  spec(specifier: string): string;
}

/** Writes an element and its spec, and registers it in the nearest module as the generators of Nest do. */
export function writeElement(
  tree: Tree,
  context: Context,
  element: Element,
  files: ElementFiles,
  options: ElementOptions,
): void {
  const base = join(element.folder, `${element.name}.${files.kind}`);
  const spec = options.spec === false ? undefined : `${base}.${element.specSuffix}.ts`;
  const taken = [`${base}.ts`, spec].find((path) => path !== undefined && tree.exists(path));
  if (taken !== undefined) throw new Error(`${taken} is there already: nothing was written.`);
  const module = nearestModule(tree, element.folder);
  const ending = importEndingOf(tree, module);
  tree.create(`${base}.ts`, files.source());
  if (spec !== undefined) tree.create(spec, files.spec(`./${element.name}.${files.kind}${ending}`));
  if (options.skipImport === true) return;
  register(tree, context, module, {
    property: files.property,
    symbol: files.className,
    specifier: relativeSpecifier(module ?? '', base) + ending,
  });
}

function register(tree: Tree, { logger }: Context, module: string | undefined, entry: ModuleEntry): void {
  const { property, symbol, specifier } = entry;
  const source = module === undefined ? undefined : readText(tree, module);
  if (module === undefined || source === undefined) {
    logger.warn(`No module was found for ${symbol}: add it to the ${property} of one.`);
    return;
  }
  const edit = addToModule(source, entry);
  if (edit.kind === 'added') tree.overwrite(module, edit.source);
  else if (edit.kind === 'present') logger.info(`${module} has ${symbol} already; it was left as it is.`);
  else {
    logger.warn(`${module} was left as it is: ${edit.reason}. Add these two lines by hand:
  import { ${symbol} } from '${specifier}';
  ${property}: [${symbol}],   // in @Module()`);
  }
}
