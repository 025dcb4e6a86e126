import type { Tree } from '../tree.js';
import { isRecord, readJson, recordIn, textIn } from './json.js';

/** The place of an application, as options or `nest-cli.json` give it. */
export interface Application {
  readonly sourceRoot: string;
  readonly entryFile: string;
}

const FILES = ['nest-cli.json', '.nestcli.json', '.nest-cli.json', 'nest.json'];

/** The application of a project, or of a source root, or the default one. */
export function applicationOf(
  tree: Tree,
  options: { readonly project?: string; readonly sourceRoot?: string },
): Application {
  const configuration = readConfiguration(tree)?.value;
  const projects = recordIn(configuration, 'projects');
  const project =
    options.project === undefined
      ? Object.values(projects).find((found) => {
          const sourceRoot = textIn(found, 'sourceRoot');
          return sourceRoot !== undefined && sourceRoot === options.sourceRoot;
        })
      : recordIn(projects, options.project);
  const read = (property: string) => textIn(project, property) ?? textIn(configuration, property);
  return {
    sourceRoot: options.sourceRoot ?? read('sourceRoot') ?? 'src',
    entryFile: read('entryFile') ?? 'main',
  };
}

/** Throws if the configuration of the workspace does not have a project. The CLI would take the default one. */
export function checkProject(tree: Tree, project: string | undefined): void {
  const configuration = readConfiguration(tree);
  if (project === undefined || configuration === undefined) return;
  const names = Object.keys(recordIn(configuration.value, 'projects'));
  if (names.includes(project)) return;
  const list = new Intl.ListFormat('en').format(names.map((name) => `"${name}"`));
  const remedy =
    names.length === 0
      ? 'It has no projects: leave out --project.'
      : names.length === 1
        ? `Its only project is ${list}.`
        : `Its projects are ${list}.`;
  throw new Error(`There is no project "${project}" in ${configuration.file}. ${remedy}`);
}

/** The first configuration that can be read. */
function readConfiguration(
  tree: Tree,
): { file: string; value: Readonly<Record<string, unknown>> } | undefined {
  for (const file of FILES) {
    const value = readJson(tree, file);
    if (isRecord(value)) return { file, value };
  }
  return undefined;
}
