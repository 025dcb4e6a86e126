// Runs the tests, and ends with one line: `N passed, N failed`.
//
//   node scripts/test.mjs [--long | --all] [arguments of jest …]
//
// Without an option it runs what takes a few minutes; `--long` runs the suites that this leaves out, `--all` runs both.
// With a path, as in `npm test -- test/e2e/values`, only suites under that path run, long ones included.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Suites that need Redis, PostgreSQL or much time: servers that are killed and restarted, outages, random programs, counts, DuckDB, old compilers. */
const LONG = [
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

const given = process.argv.slice(2);
const forJest = given.filter((argument) => argument !== '--long' && argument !== '--all');
const named = forJest.some((argument) => !argument.startsWith('-'));
const long = given.includes('--long');
const short = !long && !given.includes('--all') && !named;

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
    ...(short ? [`--testPathIgnorePatterns=/node_modules/|${LONG.join('|')}`] : []),
    ...(long ? [`--testPathPatterns=${LONG.join('|')}`] : []),
    ...forJest,
  ],
  { stdio: 'inherit', env: { ...process.env, TEST_COUNTS: countsFile } },
);

const counts = readCounts();
if (run.status !== 0 && counts.failed === 0) counts.failed = 1;
if (short)
  console.log('Left out: long suites (`npm run test:long`). CONTRIBUTING.md lists the other checks.');
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
