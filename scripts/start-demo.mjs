// Builds the library and the demo, says how long each takes, and starts the demo in this process: `npm start`.
import { execFileSync } from 'node:child_process';

const STEPS = [
  { what: 'Building the library', command: ['scripts/build.mjs'] },
  { what: 'Building the demo', command: ['node_modules/typescript7/bin/tsc', '-p', 'tsconfig.demo.json'] },
];

for (const { what, command } of STEPS) {
  process.stdout.write(`${what} … `);
  const startedAt = performance.now();
  try {
    execFileSync(process.execPath, command, { stdio: ['ignore', 'inherit', 'inherit'] });
  } catch {
    console.error('failed.');
    process.exit(1);
  }
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}
await import('../dist-demo/main.js');
