// Runs the fault suite: raw sockets that stall, reset, half-close and flood against a server in a process of its own,
// on Express and on Fastify, and a table of what came of it. Ends with a status other than 0 if something did not hold.
//
//   node scripts/test-faults.mjs [--short] [express] [fastify] [name of a fault …]
//
// `--short`, or CI=true, is the form of CI: fewer of everything, no pulled cables, and no bound on a time or a rate.
// FAULT_CYCLES sets how many connections are made and aborted (10000; 2000 in the short form).
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';

const FOLDER = '.tmp-faults';

rmSync(FOLDER, { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript7/bin/tsc', '-p', 'tsconfig.faults.json'], {
  stdio: 'inherit',
});
mkdirSync(FOLDER, { recursive: true });
// The package imports itself by its name, like its users.
writeFileSync(
  `${FOLDER}/package.json`,
  JSON.stringify({
    name: 'nestjs-event-stream',
    type: 'module',
    exports: { '.': './src/index.js', './testing': './src/testing/index.js' },
  }),
);

const { status } = spawnSync(process.execPath, [`${FOLDER}/test/faults/main.js`, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
