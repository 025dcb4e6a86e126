// Runs an example from its source: `npm run example hello`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const names = readdirSync('examples', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const name = process.argv[2];
if (!names.includes(name)) {
  console.error(`There is no example ${JSON.stringify(name)}. Use one of ${names.join(', ')}.`);
  process.exit(2);
}
const tsc = 'node_modules/typescript7/bin/tsc';
for (const project of ['tsconfig.build.json', 'tsconfig.examples.json']) {
  if (project === 'tsconfig.build.json' && existsSync('dist/esm/index.js')) continue;
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
const { status } = spawnSync(process.execPath, [`dist-examples/${name}/main.js`], { stdio: 'inherit' });
process.exit(status ?? 1);
