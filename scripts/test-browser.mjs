// Runs the suites that need a browser: `npm run test:browser [arguments of jest …]`.
// The browser is the program that CHROMIUM_PATH names, or Debian's package `chromium`. Without a browser it says so, and fails only
// if CHROMIUM_PATH is set.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';

const named = process.env.CHROMIUM_PATH;
const chromium = named || '/usr/bin/chromium';
if (existsSync(chromium)) run();
else {
  const line = ` NO BROWSER TESTS RAN: ${chromium} does not exist. Install chromium, or set CHROMIUM_PATH. `;
  console.error(styleText(['bold', 'black', 'bgYellow'], line));
  if (named) process.exitCode = 1;
}

function run() {
  const folder = mkdtempSync(join(tmpdir(), 'sse-browser-'));
  const countsFile = join(folder, 'counts.json');
  const { status } = spawnSync(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      '--config=test/browser/jest.config.mjs',
      '--reporters=<rootDir>/scripts/progress-reporter.mjs',
      '--maxWorkers=2',
      ...process.argv.slice(2),
    ],
    { stdio: 'inherit', env: { ...process.env, TEST_COUNTS: countsFile, CHROMIUM_PATH: chromium } },
  );
  let counts = { passed: 0, failed: 1 };
  try {
    counts = JSON.parse(readFileSync(countsFile, 'utf8'));
  } catch {
    // Jest has ended before its last suite.
  }
  rmSync(folder, { recursive: true, force: true });
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}
