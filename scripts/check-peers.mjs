// Checks the packed library in a folder without Nest, as a front end installs it. `client` and `events` work there, and their types
// compile. Every other entry point either loads or names the peer that is missing. Needs `npm run build` first.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The entry points that need a peer, and the first one that Node misses. */
const NEEDS_NEST = {
  '.': '@nestjs/',
  './ai': '@nestjs/',
  './swagger': '@nestjs/',
  './inspector': '@nestjs/',
};
const FRONT_END = `
import { connect } from 'nestjs-event-stream/client';
import { defineEvents, type } from 'nestjs-event-stream/events';

const events = defineEvents({ progress: type<{ percent: number }>() });
export async function watch(): Promise<number> {
  for await (const event of connect('/imports/7', { events })) {
    if (event.type === 'progress') return event.data.percent;
  }
  return 100;
}
`;

const { exports: entries, name, dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'sse-peers-'));
const faults = [];
try {
  const library = join(folder, 'node_modules', name);
  mkdirSync(library, { recursive: true });
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { encoding: 'utf8' }),
  );
  execFileSync('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', library]);
  for (const dependency of Object.keys(dependencies)) copyPackage(dependency);

  for (const entry of Object.keys(entries).filter((path) => typeof entries[path] === 'object')) {
    const id = JSON.stringify(name + entry.slice(1));
    check(entry, 'import', ['--input-type=module', '--eval', `await import(${id})`]);
    check(entry, 'require', ['--input-type=commonjs', '--eval', `require(${id})`]);
  }
  compile();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;

function copyPackage(dependency) {
  const target = join(folder, 'node_modules', dependency);
  mkdirSync(join(target, '..'), { recursive: true });
  execFileSync('cp', ['-r', join('node_modules', dependency), target]);
}

function check(entry, way, argv) {
  const { status, stderr } = spawnSync(process.execPath, argv, { cwd: folder, encoding: 'utf8' });
  const message = stderr.split('\n').find((line) => line.includes('Cannot find')) ?? stderr;
  const missing = NEEDS_NEST[entry];
  if (missing === undefined && status !== 0) {
    faults.push(`${way} of "${entry}" fails without Nest: ${message}`);
  }
  if (missing !== undefined && !message.includes(`'${missing}`)) {
    faults.push(`${way} of "${entry}" does not say that Nest is missing: ${message || 'it loads'}`);
  }
}

function compile() {
  const compilerOptions = {
    noEmit: true,
    strict: true,
    module: 'esnext',
    moduleResolution: 'bundler',
    types: [],
  };
  compilerOptions.lib = ['es2022', 'dom', 'esnext.disposable'];
  writeFileSync(join(folder, 'front-end.ts'), FRONT_END);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['front-end.ts'] }),
  );
  const { status, stdout } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', folder], {
    encoding: 'utf8',
  });
  if (status !== 0) faults.push(`The types of client and events need more than the package: ${stdout}`);
}
