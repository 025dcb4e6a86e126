import { addToModule } from '../module-file/module-metadata.js';
import { addDependency } from '../project/package-json.js';
import { findRootModule, type ApplicationOptions } from '../project/root-module.js';
import { readText, type Context, type Rule, type Tree } from '../tree.js';

const PACKAGE = 'nestjs-event-stream';
const EXPRESSION = 'SseModule.forRoot()';
const BY_HAND = `Add these two lines by hand:
  import { SseModule } from '${PACKAGE}';
  imports: [${EXPRESSION}],   // in @Module() of the root module`;

/** `nest add nestjs-event-stream`: `SseModule.forRoot()` in the root module, and the package among the dependencies. */
export function nestAdd(options: ApplicationOptions): Rule {
  return (tree, context) => {
    addPackage(tree, context);
    addSseModule(tree, context, options);
    return tree;
  };
}

function addSseModule(tree: Tree, { logger }: Context, options: ApplicationOptions): void {
  const file = findRootModule(tree, options);
  const source = file === undefined ? undefined : readText(tree, file);
  if (file === undefined || source === undefined) {
    const wanted = options.module ?? 'the root module of the application';
    logger.warn(`${wanted} was not found. ${BY_HAND}`);
    return;
  }
  const entry = {
    property: 'imports',
    symbol: 'SseModule',
    expression: EXPRESSION,
    specifier: PACKAGE,
  } as const;
  const edit = addToModule(source, entry);
  if (edit.kind === 'added') tree.overwrite(file, edit.source);
  else if (edit.kind === 'present') logger.info(`${file} has SseModule already; it was left as it is.`);
  else logger.warn(`${file} was left as it is: ${edit.reason}. ${BY_HAND}`);
}

function addPackage(tree: Tree, { logger }: Context): void {
  const source = readText(tree, 'package.json');
  const changed = source === undefined ? undefined : addDependency(source, PACKAGE, installedRange(tree));
  if (changed === undefined) return;
  tree.overwrite('package.json', changed);
  logger.info(`${PACKAGE} is now in package.json: install it with your package manager.`);
}

/** The installed version and what is compatible with it: this schematic runs from the project's own node_modules. */
function installedRange(tree: Tree): string {
  const manifest = readText(tree, `node_modules/${PACKAGE}/package.json`);
  if (manifest === undefined) return 'latest';
  const { version } = JSON.parse(manifest) as { version: string };
  return `^${version}`;
}
