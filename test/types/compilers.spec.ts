import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import typescript from 'typescript';
import typescript59 from 'typescript59';

const ROOT = join(import.meta.dirname, '../..');
const FILES = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.types.ts'));
/** An application whose handler, publisher, front end and test share a contract. */
const APPLICATION = 'application';

/** `// @ts-expect-error: part of the message` before a line that must not compile. */
const EXPECTED = /^\s*\/\/ @ts-expect-error(?:: (.*)| .*)?$/;

interface Found {
  line: number;
  message: string;
}

/** The lines of a file that must not compile, each with the expected message of the compiler. */
function expectedIn(text: string): Found[] {
  const lines = text.split('\n');
  return lines.flatMap((line, i) => {
    const match = EXPECTED.exec(line);
    return match ? [{ line: i + 2, message: match[1] ?? '' }] : [];
  });
}

/** A contract that is typed by the declarations of the ES module, and a controller that is typed by those of CommonJS. */
const MIXED = 'mixed.ts';
const CONTRACT_OF_A_MODULE = `
import { defineEvents, type } from 'nestjs-event-stream/events';
export const events = defineEvents({ progress: type<{ percent: number }>() });
`;
const CONTROLLER_IN_COMMONJS = `
import { Sse } from 'nestjs-event-stream';
import type { events } from 'shared' with { 'resolution-mode': 'import' };
declare const contract: typeof events;
export class Mixed {
  @Sse('a', { events: contract }) *watch() {
    yield contract.progress({ percent: 1 });
  }
}
`;

/** The package as a user has it: its manifest, and the declarations of both formats. Beside it, the files that use it. */
async function installed(folder: string): Promise<void> {
  const home = join(folder, 'package');
  const declare = async (project: string, format: string): Promise<unknown> =>
    promisify(execFile)(
      process.execPath,
      [
        ...[
          'node_modules/typescript7/bin/tsc',
          '-p',
          project,
          '--emitDeclarationOnly',
          '--sourceMap',
          'false',
        ],
        ...['--outDir', join(home, 'dist', format)],
      ],
      { cwd: ROOT },
    );
  await Promise.all([declare('tsconfig.build.json', 'esm'), declare('tsconfig.cjs.json', 'cjs')]);
  writeFileSync(join(home, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n');
  cpSync(join(ROOT, 'package.json'), join(home, 'package.json'));
  const shared = join(folder, 'commonjs/node_modules/shared');
  mkdirSync(shared, { recursive: true });
  writeFileSync(join(shared, 'package.json'), '{ "type": "module", "exports": "./index.ts" }');
  writeFileSync(join(shared, 'index.ts'), CONTRACT_OF_A_MODULE);
  writeFileSync(join(folder, 'commonjs', MIXED), CONTROLLER_IN_COMMONJS);
  for (const format of ['module', 'commonjs']) {
    const user = join(folder, format);
    mkdirSync(join(user, 'node_modules'), { recursive: true });
    symlinkSync(home, join(user, 'node_modules/nestjs-event-stream'));
    writeFileSync(join(user, 'package.json'), JSON.stringify({ type: format }));
    for (const name of [...FILES, 'assertions.ts']) {
      // Without the directive the compiler says what it finds.
      const text = readFileSync(join(import.meta.dirname, name), 'utf8').replaceAll('@ts-expect-error', '');
      writeFileSync(join(user, name), text);
    }
  }
}

/** The errors of a program, by the name of their file. Errors in declarations of other packages do not count. */
function errorsIn(ts: typeof typescript, folder: string, files: readonly string[]): Map<string, Found[]> {
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node', 'jest'],
    strict: true,
    exactOptionalPropertyTypes: false,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    declaration: true,
    skipLibCheck: false,
    noEmit: true,
  });
  const errors = new Map<string, Found[]>();
  for (const file of program.getSourceFiles()) {
    if (!file.fileName.startsWith(folder)) continue;
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ start = 0, messageText }) => ({
        line: file.getLineAndCharacterOfPosition(start).line + 1,
        message: ts.flattenDiagnosticMessageText(messageText, '\n'),
      }),
    );
    if (found.length > 0) errors.set(basename(file.fileName), found);
  }
  return errors;
}

describe('the types of the package, as a user compiles them', () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(ROOT, '.tmp-types-'));
    await installed(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.each([
    ['TypeScript 5.9', typescript59 as unknown as typeof typescript],
    ['TypeScript 6.0', typescript],
  ])('%s', (_name, ts) => {
    it.each(['module', 'commonjs'])('in a package of type %s', (format) => {
      const user = join(folder, format);
      const names = [...FILES, ...(format === 'commonjs' ? [MIXED] : [])];
      const errors = errorsIn(
        ts,
        folder,
        names.map((name) => join(user, name)),
      );
      for (const name of FILES) {
        const expected = expectedIn(readFileSync(join(import.meta.dirname, name), 'utf8'));
        const found = errors.get(name) ?? [];
        errors.delete(name);
        const heard = (line: number): string =>
          found
            .filter((each) => each.line === line)
            .map(({ message }) => message)
            .join('\n');
        const silent = expected.filter(
          ({ line, message }) => heard(line) === '' || !heard(line).includes(message),
        );
        expect([name, silent.map(({ line, message }) => [line, message, heard(line)])]).toEqual([name, []]);
        const lines = new Set(expected.map(({ line }) => line));
        expect([name, found.filter(({ line }) => !lines.has(line))]).toEqual([name, []]);
      }
      expect([...errors]).toEqual([]);
    });

    it('a renamed field of a contract breaks its handler, publisher, front end and test, and nothing else', () => {
      const copy = join(folder, 'module', APPLICATION);
      cpSync(join(import.meta.dirname, APPLICATION), copy, { recursive: true });
      const files = readdirSync(copy).map((name) => join(copy, name));
      expect([...errorsIn(ts, folder, files)]).toEqual([]);
      const contract = join(copy, 'import-events.ts');
      const text = readFileSync(contract, 'utf8');
      expect(text).toContain('percent: number');
      writeFileSync(contract, text.replace('percent: number', 'progress: number'));
      const broken = [...errorsIn(ts, folder, files)].map(([name, found]) => [
        name,
        found.map(({ message }) => message),
      ]);
      expect(Object.fromEntries(broken)).toEqual({
        'imports.controller.ts': [expect.stringContaining("'percent' does not exist in type")],
        'imports.service.ts': [expect.stringContaining("'percent' does not exist in type")],
        'imports.spec.ts': [expect.stringContaining("Property 'percent' does not exist on type")],
        'watch-import.ts': [expect.stringContaining("Property 'percent' does not exist on type")],
      });
    });
  });
});
