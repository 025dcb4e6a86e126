// Runs the tests, and ends with one line: `N passed, N failed`.
//
//   node scripts/test.mjs [--slow | --long | --all] [arguments of jest …]
//
// Without an option it tests the library in about four minutes. `--slow` adds the suites that take longer, `--all` also those that
// need a server; `--long` runs only what the command without an option leaves out.
// With a path, as in `npm test -- test/e2e/values`, only suites under that path run, long ones included.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Suites that need Redis or PostgreSQL, or that run for minutes: outages, random programs, counts, DuckDB, old compilers. */
const SERVERS = [
  'test/redis/',
  'test/postgres/',
  'test/recipes/queue/',
  'test/counts/',
  'test/types/',
  'test/e2e/application-failures',
  'test/e2e/backpressure',
  'test/e2e/cycles',
  'test/e2e/timeplus',
  'test/e2e/any-life',
  'test/e2e/http2-stalled-session',
  'demo/timeplus/queries',
];
/** The systems of the demo, the documentation, the built package, random programs, and suites that try every combination. */
const SLOW = [
  'test/e2e/demo-',
  'test/e2e/admin',
  'test/e2e/board-game',
  'test/e2e/live',
  'test/e2e/prcore',
  'test/e2e/rat-engine',
  'test/e2e/token-chat',
  'test/e2e/trpc-cpp',
  'test/recipes/',
  'test/docs.spec',
  'test/api/built',
  'test/e2e/ai-sdk',
  'test/e2e/official-clients',
  'test/e2e/any-event',
  'test/e2e/burst',
  'test/e2e/odd-responses',
  'test/e2e/one-answer',
  'test/e2e/pace',
  'test/e2e/ai-chats',
  'test/e2e/illegal-values',
  'test/e2e/limits-apart',
  'test/e2e/openapi',
  'test/e2e/test-kit',
  'test/folds/',
  'src/channels/idle-subscriptions',
  'src/runs/runs-model',
  'src/runs/runs-ownership',
];

/** The suites of each option: `only` these, or all `without` these. */
const FORMS = new Map([
  [undefined, { without: [...SERVERS, ...SLOW] }],
  ['--slow', { without: SERVERS }],
  ['--long', { only: [...SERVERS, ...SLOW] }],
  ['--all', {}],
]);

const given = process.argv.slice(2);
const form = given.find((argument) => FORMS.has(argument));
const forJest = given.filter((argument) => !FORMS.has(argument));
const named = forJest.some((argument) => !argument.startsWith('-'));
const { only, without } = named ? FORMS.get('--all') : FORMS.get(form);

const folder = mkdtempSync(join(tmpdir(), 'sse-test-'));
const countsFile = join(folder, 'counts.json');
const run = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--reporters=<rootDir>/scripts/progress-reporter.mjs',
    // Most suites spend half of their time waiting for sockets and processes.
    `--maxWorkers=${Math.min(2 * availableParallelism(), 8)}`,
    ...(without ? [`--testPathIgnorePatterns=/node_modules/|${without.join('|')}`] : []),
    ...(only ? [`--testPathPatterns=${only.join('|')}`] : []),
    ...forJest,
  ],
  // A busy machine takes longer than the default of the test kit for an answer.
  { stdio: 'inherit', env: { SSE_TEST_TIMEOUT_MS: '15000', ...process.env, TEST_COUNTS: countsFile } },
);

const counts = readCounts();
if (run.status !== 0 && counts.failed === 0) counts.failed = 1;
if (without) {
  const left =
    form === '--slow' ? 'suites that need servers' : 'the demo, recipes, servers and other long suites';
  console.log(`Left out: ${left} (\`npm run test:long\`). CONTRIBUTING.md lists the other checks.`);
}
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;

/** Counts are missing if Jest ended before its last suite. */
function readCounts() {
  try {
    return JSON.parse(readFileSync(countsFile, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
