// Runs the tests of the AI SDK with its version 7, which needs Node 22. It is not a development dependency, because the library
// is also developed on Node 20. On an older Node it prints one line and succeeds.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const VERSION = '7.0.173';
const SUITES = ['test/e2e/ai-sdk', 'test/e2e/ai-chats'];

if (Number(process.versions.node.split('.')[0]) < 22) {
  console.log(
    `\n!!! LEFT OUT: the tests with ai ${VERSION}, which needs Node 22. This is Node ${process.versions.node}.\n`,
  );
  process.exit();
}

const root = process.cwd();
// Within the project, where Jest transforms files.
const folder = mkdtempSync(join(root, '.tmp-ai7-'));
try {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', `ai@${VERSION}`]);
  const ai = join(folder, 'node_modules/ai/dist');
  const config = join(folder, 'jest.config.mjs');
  writeFileSync(
    config,
    `import base from ${JSON.stringify(join(root, 'jest.config.mjs'))};
const ai = { '^ai$': ${JSON.stringify(join(ai, 'index.js'))}, '^ai/test$': ${JSON.stringify(join(ai, 'test/index.js'))} };
export default { ...base, rootDir: ${JSON.stringify(root)}, moduleNameMapper: { ...ai, ...base.moduleNameMapper } };
`,
  );
  const jest = ['node_modules/jest/bin/jest.js', '-c', config, '--runInBand', '--silent'];
  run(process.execPath, [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    ...jest,
    ...SUITES,
  ]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
