import { addToModule, type ModuleEntry } from '../module-file/module-metadata.js';
import { readText, type Context, type Tree } from '../tree.js';
import { byHand } from './by-hand.js';
import { nearestModule, type Element, type ElementOptions } from './element.js';
import { importEndingOf } from './import-style.js';
import { moduleClassOf } from './names.js';
import { basename, join, relativeSpecifier } from './paths.js';

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

const MAX_FILE_NAME_BYTES = 255;

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
  if (taken !== undefined) {
    throw new Error(
      `${taken} already exists, so nothing was written. Choose another name, or delete the file first.`,
    );
  }
  checkLength(basename(spec ?? `${base}.ts`));
  const module = nearestModule(tree, element.folder, element.name);
  const ending = importEndingOf(tree, module, element.folder);
  tree.create(`${base}.ts`, files.source());
  if (spec !== undefined) tree.create(spec, files.spec(`./${element.name}.${files.kind}${ending}`));
  if (options.skipImport === true) return;
  register(tree, context, module, {
    property: files.property,
    symbol: files.className,
    specifier: relativeSpecifier(module ?? '', base) + ending,
  });
}

/** A longer name would fail when the files are written, after some of them. */
function checkLength(file: string): void {
  const bytes = Buffer.byteLength(file);
  if (bytes > MAX_FILE_NAME_BYTES) {
    throw new Error(
      `The file name "${file}" has ${bytes} bytes. The limit of most file systems is ${MAX_FILE_NAME_BYTES}: choose a shorter name.`,
    );
  }
}

function register(tree: Tree, { logger }: Context, module: string | undefined, entry: ModuleEntry): void {
  const { property, symbol } = entry;
  const source = module === undefined ? undefined : readText(tree, module);
  if (module === undefined || source === undefined) {
    logger.warn(`No module was found for ${symbol}: add it to the ${property} of one.`);
    return;
  }
  const edit = addToModule(source, entry, moduleClassOf(module));
  if (edit.kind === 'added') tree.overwrite(module, edit.source);
  else if (edit.kind === 'present') logger.info(`${module} has ${symbol} already; it was left as it is.`);
  else {
    const lines = byHand(entry, '@Module()', edit.isTaken);
    logger.warn(`${module} was left as it is: ${edit.reason}. ${lines}`);
  }
}
