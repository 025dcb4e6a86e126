// Runs the library's own tests (not the demo's) on Nest 11: the sources and specs are copied beside an installation of it.
// Needs the npm registry. Arguments go to jest.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NEST_11 = {
  '@nestjs/cache-manager': '^3.0.0',
  '@nestjs/common': '^11.0.0',
  '@nestjs/core': '^11.0.0',
  '@nestjs/platform-express': '^11.0.0',
  '@nestjs/platform-fastify': '^11.0.0',
  '@nestjs/swagger': '^11.0.0',
  '@nestjs/testing': '^11.0.0',
};
/** Excluded: tests of features of Nest 12 only, the demo, and tests of the package rather than the code. */
const NOT_HERE = [
  '/demo/',
  'test/schematics',
  'test/docs',
  'test/examples',
  'token-chat',
  'test/recipes',
  'test/api',
  'test/counts',
  'src/client',
  'src/channels',
  'src/log',
  'src/runs',
  'test/redis',
  'test/postgres',
  'test/types',
  'test/contract',
  'test/consistency',
  'cycles',
  'nest-12',
];

const { devDependencies, dependencies, overrides } = JSON.parse(readFileSync('package.json', 'utf8'));
/** Packages that check, build or pack the sources. A test may import any other development dependency. */
const TOOLS =
  /^(@arethetypeswrong|dependency-cruiser|esbuild|knip|oxlint|prettier|publint|typescript|vitest)/;
/** Packages that only recipes import. */
const OF_RECIPES =
  /^(bullmq|graphql|@apollo|@as-integrations|@nestjs\/(apollo|bullmq|event-emitter|graphql|platform-ws|serve-static|websockets))/;
const kept = Object.fromEntries(
  Object.entries(devDependencies).filter(
    ([name]) => !(name in NEST_11) && !TOOLS.test(name) && !OF_RECIPES.test(name),
  ),
);

const folder = mkdtempSync(join(tmpdir(), 'sse-nest11-'));
try {
  for (const name of ['src', 'test', 'jest.config.mjs', 'tsconfig.json']) {
    cpSync(name, join(folder, name), { recursive: true });
  }
  const manifest = {
    name: 'nest-11',
    private: true,
    type: 'module',
    dependencies: { ...dependencies, ...kept, ...NEST_11 },
    overrides,
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: 'inherit',
  });
  const run = spawnSync(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      ...process.argv.slice(2),
      '--roots=<rootDir>/src',
      '--roots=<rootDir>/test',
      `--testPathIgnorePatterns=${NOT_HERE.join('|')}|(rat-engine|timeplus|prcore|board-game|trpc-cpp|demo-|admin|e2e/live|page.bundle)`,
    ],
    { cwd: folder, stdio: 'inherit' },
  );
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
