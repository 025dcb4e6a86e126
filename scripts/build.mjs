// Builds dist/esm and dist/cjs from the same sources, then the schematics (CommonJS, as the Nest CLI loads them).
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';

const tsc = (project) =>
  execFileSync(process.execPath, ['node_modules/typescript7/bin/tsc', '-p', project], { stdio: 'inherit' });

rmSync('dist', { recursive: true, force: true });
tsc('tsconfig.build.json');
tsc('tsconfig.cjs.json');
mkdirSync('dist/cjs', { recursive: true });
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');

if (existsSync('schematics/tsconfig.json')) {
  tsc('schematics/tsconfig.json');
  cpSync('schematics', 'dist/schematics', {
    recursive: true,
    filter: (path) => !/(?<!\.d)\.ts$|tsconfig\.json$|\.d\.ts$/.test(path),
  });
  writeFileSync('dist/schematics/package.json', '{ "type": "commonjs" }\n');
}
