// Checks that every source map in the package refers to files that are in the package. Needs `npm run build` first.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json'], { encoding: 'utf8' }));
const shipped = new Set(files.map(({ path }) => path));
const maps = [...shipped].filter((path) => path.endsWith('.map'));
if (maps.length === 0) throw new Error('No source map is in the package. Run "npm run build" first.');

const missing = maps.flatMap((map) => {
  const { sources, sourceRoot = '' } = JSON.parse(readFileSync(map, 'utf8'));
  return sources
    .map((source) => posix.join(posix.dirname(map), sourceRoot, source))
    .filter((source) => !shipped.has(source))
    .map((source) => `${map} refers to ${source}, which is not in the package.`);
});
for (const line of missing) console.error(line);
process.exitCode = missing.length > 0 ? 1 : 0;
