import { specifierOf } from '../module-file/imports.js';
import { tokenize } from '../module-file/tokens.js';
import { readText, type Tree } from '../tree.js';
import { dirname, join } from './paths.js';

/** Options that locate the application. */
export interface ApplicationOptions {
  /** The module file itself, for applications in which it cannot be found. */
  readonly module?: string;
  readonly project?: string;
  readonly sourceRoot?: string;
}

interface CliConfiguration {
  readonly sourceRoot?: string;
  readonly entryFile?: string;
  readonly projects?: Readonly<Record<string, CliConfiguration>>;
}

/** The file of the root module: the one given, the one that the entry file starts, or `app.module.ts`. */
export function findRootModule(tree: Tree, options: ApplicationOptions): string | undefined {
  if (options.module !== undefined) return existing(tree, [join(options.module)]);
  const configuration = readConfiguration(tree);
  const project = projectOf(configuration, options);
  const folder = join(options.sourceRoot ?? project?.sourceRoot ?? configuration.sourceRoot ?? 'src');
  const entry = join(folder, `${project?.entryFile ?? configuration.entryFile ?? 'main'}.ts`);
  return startedModule(tree, entry) ?? existing(tree, [join(folder, 'app.module.ts'), 'app.module.ts']);
}

function existing(tree: Tree, paths: readonly string[]): string | undefined {
  return paths.find((path) => tree.exists(path));
}

function projectOf(
  configuration: CliConfiguration,
  options: ApplicationOptions,
): CliConfiguration | undefined {
  const { projects = {} } = configuration;
  if (options.project !== undefined && options.project in projects) return projects[options.project];
  return Object.values(projects).find(({ sourceRoot }) => sourceRoot === options.sourceRoot);
}

function readConfiguration(tree: Tree): CliConfiguration {
  for (const file of ['nest-cli.json', '.nestcli.json', '.nest-cli.json', 'nest.json']) {
    const text = readText(tree, file);
    if (text === undefined) continue;
    try {
      const parsed: unknown = JSON.parse(text);
      if (typeof parsed === 'object' && parsed !== null) return parsed;
    } catch {
      // The configuration contains comments. The CLI has passed the source root, which is enough.
    }
  }
  return {};
}

/** The module in `NestFactory.create(AppModule, …)`, looked up in the imports of the entry file. */
function startedModule(tree: Tree, entry: string): string | undefined {
  const source = readText(tree, entry);
  if (source === undefined) return undefined;
  const tokens = tokenize(source);
  const factory = tokens.findIndex(
    ({ text }, index) => text === 'NestFactory' && tokens[index + 1]?.text === '.',
  );
  const call = factory === -1 ? undefined : tokens.slice(factory).findIndex(({ text }) => text === '(');
  const name = call === undefined ? undefined : tokens[factory + call + 1]?.text;
  const specifier = name === undefined ? undefined : specifierOf(source, name);
  if (specifier === undefined || !specifier.startsWith('.')) return undefined;
  const file = join(dirname(entry), specifier).replace(/\.[jt]s$/, '');
  return existing(tree, [`${file}.ts`, `${file}/index.ts`]);
}
