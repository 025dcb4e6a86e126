import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nestAdd } from '../../schematics/nest-add/nest-add.schematic.js';
import { sseChannel } from '../../schematics/sse-channel/sse-channel.schematic.js';
import { sseController } from '../../schematics/sse-controller/sse-controller.schematic.js';
import { FakeContext, FakeTree } from './fake-tree.js';

const ROOT = process.cwd();
/** All checks that a strict application may have, beyond `strict`. */
const STRICT = {
  exactOptionalPropertyTypes: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
};

/** An application whose module has all kinds of elements. */
function application(type: 'module' | 'commonjs'): FakeTree {
  const tree = new FakeTree({
    'package.json': JSON.stringify({ type, dependencies: { 'nestjs-event-stream': '*' } }),
    'src/app.module.ts':
      "import { Module } from '@nestjs/common';\n\n@Module({})\nexport class AppModule {}\n",
  });
  const context = new FakeContext();
  for (const rule of [
    nestAdd({}),
    ...(['generator', 'observable', 'channel'] as const).map((kind) =>
      sseController({ name: `admin_area/${kind}-sample`, type: kind }),
    ),
    sseController({ name: 'Übung', flat: true }),
    sseController({ name: 'constructor' }),
    sseChannel({ name: 'news' }),
    sseChannel({ name: '聊天' }),
  ])
    rule(tree, context);
  expect(context.warnings).toEqual([]);
  return tree;
}

it.each(['module', 'commonjs'] as const)(
  'what is generated compiles in a strict application of type %s',
  async (type) => {
    mkdirSync('.tmp', { recursive: true });
    const folder = mkdtempSync('.tmp/types-');
    try {
      const tree = application(type);
      for (const path of tree.files.keys()) {
        mkdirSync(join(folder, dirname(path)), { recursive: true });
        writeFileSync(join(folder, path), tree.text(path));
      }
      const compilerOptions = {
        ...STRICT,
        verbatimModuleSyntax: type === 'module',
        paths: {
          'nestjs-event-stream': [`${ROOT}/src/index.ts`],
          'nestjs-event-stream/*': [`${ROOT}/src/*/index.ts`],
        },
      };
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ extends: `${ROOT}/tsconfig.json`, compilerOptions, include: ['src'] }),
      );
      expect(await errorsIn(folder)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

/** The errors in the files of a folder. The library has checks of its own. */
function errorsIn(folder: string): Promise<string[]> {
  const compiler = 'node_modules/typescript7/bin/tsc';
  return new Promise((resolve) => {
    execFile(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], (_error, stdout) => {
      resolve(stdout.split('\n').filter((line) => line.startsWith(folder) || line.startsWith('error')));
    });
  });
}
