import { addToModule, type ModuleEntry } from '../module-file/module-metadata.js';
import { byHand } from '../project/by-hand.js';
import { checkProject } from '../project/configuration.js';
import { readJson, textIn } from '../project/json.js';
import { unsupportedNest } from '../project/nest-version.js';
import { addDependency, problemOf } from '../project/package-json.js';
import { findRootModule, type ApplicationOptions } from '../project/root-module.js';
import { readText, type Context, type Rule, type Tree } from '../tree.js';

const PACKAGE = 'nestjs-event-stream';
const ENTRY: ModuleEntry = {
  property: 'imports',
  symbol: 'SseModule',
  expression: 'SseModule.forRoot()',
  specifier: PACKAGE,
};
const WHERE = '@Module() of the root module';

/** `nest add nestjs-event-stream`: `SseModule.forRoot()` in the root module, and the package among the dependencies. */
export function nestAdd(options: ApplicationOptions): Rule {
  return (tree, context) => {
    checkProject(tree, options.project);
    addPackage(tree, context);
    const warning = unsupportedNest(tree, PACKAGE);
    if (warning !== undefined) context.logger.warn(warning);
    addSseModule(tree, context, options);
    return tree;
  };
}

function addSseModule(tree: Tree, { logger }: Context, options: ApplicationOptions): void {
  const root = findRootModule(tree, options);
  if ('missing' in root) {
    logger.warn(`${root.missing} ${byHand(ENTRY, WHERE)}`);
    return;
  }
  const edit = addToModule(readText(tree, root.file) ?? '', ENTRY, root.className);
  if (edit.kind === 'added') tree.overwrite(root.file, edit.source);
  else if (edit.kind === 'present') logger.info(`${root.file} has SseModule already; it was left as it is.`);
  else {
    const lines = byHand(ENTRY, WHERE, edit.isTaken);
    logger.warn(`${root.file} was left as it is: ${edit.reason}. ${lines}`);
  }
}

function addPackage(tree: Tree, { logger }: Context): void {
  const source = readText(tree, 'package.json');
  if (source === undefined) return;
  const problem = problemOf(source);
  if (problem !== undefined) {
    logger.warn(`package.json was left as it is: ${problem}. Add "${PACKAGE}" to its dependencies by hand.`);
    return;
  }
  const changed = addDependency(source, PACKAGE, installedRange(tree));
  if (changed === undefined) return;
  tree.overwrite('package.json', changed);
  logger.info(`${PACKAGE} is now in package.json: install it with your package manager.`);
}

/** The installed version and what is compatible with it: this schematic runs from the project's own node_modules. */
function installedRange(tree: Tree): string {
  const version = textIn(readJson(tree, `node_modules/${PACKAGE}/package.json`), 'version');
  return version === undefined ? 'latest' : `^${version}`;
}
