import { specifierOf } from '../module-file/imports.js';
import { tokenize } from '../module-file/tokens.js';
import { readText, type Tree } from '../tree.js';
import { applicationOf } from './configuration.js';
import { readJson, recordIn, textIn } from './json.js';
import { moduleClassOf } from './names.js';
import { basename, dirname, join } from './paths.js';

/** Options that locate the application. */
export interface ApplicationOptions {
  /** The module file itself, for applications in which it cannot be found. */
  readonly module?: string;
  readonly project?: string;
  readonly sourceRoot?: string;
}

/** The file of the root module, or the reason why it was not found and the remedy. */
export type RootModule = { readonly file: string; readonly className: string } | { readonly missing: string };

const ENDINGS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/** The file of the root module: the one given, the one that the entry file starts, or `app.module.ts`. */
export function findRootModule(tree: Tree, options: ApplicationOptions): RootModule {
  const { module } = options;
  if (module !== undefined && module !== '') {
    const file = existing(tree, [join(module), ...withEndings(join(module))]);
    if (file !== undefined) return { file, className: moduleClassOf(file) };
    const missing = `The file ${module} of --module was not found. Pass a path from the root of the workspace.`;
    return { missing };
  }
  const { sourceRoot, entryFile } = applicationOf(tree, options);
  const folder = join(sourceRoot);
  const entries = [join(folder, entryFile), join(entryFile), join(folder, basename(entryFile))];
  const entry = existing(tree, entries.flatMap(withEndings));
  const started = entry === undefined ? undefined : startedModule(tree, entry, folder);
  if (started?.file !== undefined) return { file: started.file, className: started.name };
  const usual = existing(tree, [join(folder, 'app.module'), 'app.module'].flatMap(withEndings));
  if (usual !== undefined && (started === undefined || isIn(tree, usual, started.name)))
    return { file: usual, className: started?.name ?? moduleClassOf(usual) };
  const reason =
    started === undefined
      ? `neither ${entry ?? `${entries[0]}.ts`} nor ${join(folder, 'app.module.ts')} leads to it`
      : `${entry} starts ${started.name}, which it imports from '${started.specifier}'`;
  return { missing: `The root module was not found: ${reason}. Pass its file with --module.` };
}

interface StartedModule {
  readonly name: string;
  readonly specifier: string;
  readonly file: string | undefined;
}

/** The module in `NestFactory.create(AppModule, …)`: where the entry file declares or imports it. */
function startedModule(tree: Tree, entry: string, folder: string): StartedModule | undefined {
  const source = readText(tree, entry) ?? '';
  const tokens = tokenize(source);
  const factory = tokens.findIndex(
    ({ text }, index) => text === 'NestFactory' && tokens[index + 1]?.text === '.',
  );
  const call = factory === -1 ? undefined : tokens.slice(factory).findIndex(({ text }) => text === '(');
  const argument = call === undefined ? undefined : tokens[factory + call + 1];
  if (argument?.kind !== 'word') return undefined;
  const name = argument.text;
  if (tokens.some(({ text }, index) => text === name && tokens[index - 1]?.text === 'class'))
    return { name, specifier: '', file: entry };
  const specifier = specifierOf(source, name);
  if (specifier === undefined) return undefined;
  const paths = specifier.startsWith('.')
    ? [join(dirname(entry), specifier)]
    : [...aliased(tree, specifier), join(specifier), join(folder, specifier)];
  return { name, specifier, file: existing(tree, paths.flatMap(modulePaths)) };
}

/** The paths that `paths` of `tsconfig.json` maps a specifier to. */
function aliased(tree: Tree, specifier: string): string[] {
  const options = recordIn(readJson(tree, 'tsconfig.json'), 'compilerOptions');
  const base = textIn(options, 'baseUrl') ?? '';
  return Object.entries(recordIn(options, 'paths')).flatMap(([pattern, targets]) => {
    const [prefix = '', suffix] = pattern.split('*');
    const matches =
      suffix === undefined
        ? specifier === pattern
        : specifier.startsWith(prefix) &&
          specifier.endsWith(suffix) &&
          specifier.length >= pattern.length - 1;
    if (!matches || !Array.isArray(targets)) return [];
    const star = specifier.slice(prefix.length, specifier.length - (suffix?.length ?? 0));
    return targets.map((target: unknown) =>
      join(
        base,
        String(target).replace('*', () => star),
      ),
    );
  });
}

function modulePaths(path: string): string[] {
  const plain = path.replace(/\.[cm]?[jt]s$/, '');
  return [...withEndings(plain), ...withEndings(`${plain}/index`)];
}

function withEndings(path: string): string[] {
  return /\.[cm]?[jt]s$/.test(path)
    ? withEndings(path.replace(/\.[cm]?[jt]s$/, ''))
    : ENDINGS.map((ending) => path + ending);
}

function existing(tree: Tree, paths: readonly string[]): string | undefined {
  return paths.find((path) => tree.exists(path));
}

function isIn(tree: Tree, file: string, name: string): boolean {
  return tokenize(readText(tree, file) ?? '').some(({ text }) => text === name);
}
