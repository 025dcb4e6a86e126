// Mutation testing: changes one expression of the sources at a time, and runs the specs that must notice.
//
//   node scripts/test-mutants.mjs [folder of src …] [--every N] [-- arguments of stryker …]
//
// Without a folder it takes all of FOLDERS, which is a matter of hours. `--every N` mutates one block of ten lines in N, spread
// evenly over the files of a folder, to estimate its score. Needs the npm registry: Stryker is as large as everything else that
// `npm ci` installs, so a pinned version is installed in a temporary folder.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

// Version 10 needs Node 22.
const STRYKER = ['@stryker-mutator/core@9.6.1', '@stryker-mutator/jest-runner@9.6.1'];

/** The folders of `src/` that are mutated, and the specs that must detect the mutants. */
const FOLDERS = {
  wire: ['src/(wire|events)/'],
  events: ['src/(events|wire|stages)/'],
  connection: [
    'src/(connection|time)/',
    // Those that take a few seconds each.
    'test/e2e/(connections|ending|framing|head|leaving|overflow)\\.',
  ],
  channels: ['src/(channels|log)/'],
  log: ['src/(log|channels)/', 'test/contract/'],
  runs: ['src/runs/'],
  limits: ['src/limits/', 'test/e2e/(limits.*|slots)\\.'],
  redis: [
    'src/redis/',
    'test/redis/(append-script|ioredis|redis-slots)\\.',
    'test/redis/redis-log\\.(contract|epochs|keeping|loss|once|outage|reading)\\.',
  ],
};

const given = process.argv.slice(2);
const end = given.includes('--') ? given.indexOf('--') : given.length;
const forStryker = given.slice(end + 1);
const { positionals: wanted, values } = parseArgs({
  args: given.slice(0, end),
  allowPositionals: true,
  options: { every: { type: 'string', default: '1' } },
});
const every = Number(values.every);
if (!Number.isInteger(every) || every < 1)
  throw new Error(`--every must be a whole number: "${values.every}".`);
for (const folder of wanted) {
  if (FOLDERS[folder] === undefined) {
    throw new Error(`Unknown folder "${folder}". Use one of ${Object.keys(FOLDERS).join(', ')}.`);
  }
}

const home = mkdtempSync(join(tmpdir(), 'sse-mutants-'));
try {
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...STRYKER], {
    cwd: home,
    stdio: 'inherit',
  });
  for (const folder of wanted.length > 0 ? wanted : Object.keys(FOLDERS)) mutate(folder);
} finally {
  rmSync(home, { recursive: true, force: true });
}

function mutate(folder) {
  const config = join(home, `${folder}.json`);
  writeFileSync(
    config,
    JSON.stringify({
      mutate: every > 1 ? sample(folder) : [`src/${folder}/**/*.ts`, '!src/**/*.spec.ts'],
      plugins: ['@stryker-mutator/jest-runner'],
      testRunner: 'jest',
      testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
      jest: {
        configFile: 'jest.config.mjs',
        config: {
          testRegex: FOLDERS[folder].map((path) => `/${path}.*spec\\.ts$`),
          runner: '<rootDir>/scripts/mutant-runner.cjs',
          testEnvironment: './scripts/mutant-environment.cjs',
          // A mutant after which a test waits forever.
          testTimeout: 15_000,
        },
        // The imports of the sources end in .js, and the graph of a folder is almost everything.
        enableFindRelatedTests: false,
      },
      coverageAnalysis: 'perTest',
      // A mutant that runs forever, beyond the time that the specs need. Half of the time goes into such mutants.
      timeoutMS: 5_000,
      // Modules that Jest has loaded are never released.
      maxTestRunnerReuse: 30,
      // None: Stryker would read it with a TypeScript of its own.
      tsconfigFile: 'none',
      tempDirName: '.tmp-stryker',
      ignorePatterns: ['dist', 'dist-demo', 'bench', 'docs/images', '.tmp-*'],
      reporters: ['clear-text', 'progress-append-only'],
      allowEmpty: true,
    }),
  );
  console.log(`\nsrc/${folder}, judged by ${FOLDERS[folder].join(' and ')}`);
  const { status } = spawnSync(
    process.execPath,
    [join(home, 'node_modules/@stryker-mutator/core/bin/stryker.js'), 'run', config, ...forStryker],
    { stdio: 'inherit' },
  );
  if (status !== 0) process.exitCode = 1;
}

/** One block of lines in `every`, counted through all files of a folder. */
function sample(folder) {
  const LINES = 10;
  const files = readdirSync(`src/${folder}`, { encoding: 'utf8', recursive: true })
    .filter((file) => file.endsWith('.ts') && !/\.spec\.ts$|\.d\.ts$/.test(file))
    .sort();
  const blocks = files.flatMap((file) => {
    const lines = readFileSync(`src/${folder}/${file}`, 'utf8').split('\n').length;
    return Array.from({ length: Math.ceil(lines / LINES) }, (_, i) => {
      const from = i * LINES + 1;
      return `src/${folder}/${file}:${from}-${Math.min(from + LINES - 1, lines)}`;
    });
  });
  return blocks.filter((_, i) => i % every === Math.floor(every / 2));
}
