// Bundles the entry points that front ends use, and checks their size and that they bring nothing of Node, Nest or rxjs with
// them. Needs `npm run build` first.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const all = (name) => `export * from './dist/esm/${name}/index.js';`;
/** The program of a front end that reads a stream by a contract, without a schema library. */
const TYPED_CLIENT = `
import { connect } from './dist/esm/client/index.js';
import { defineEvents, type } from './dist/esm/events/index.js';
const events = defineEvents({ progress: type() });
export const open = (url) => connect(url, { events });
`;
/** Entry points with everything of them, and a program: the limit in bytes, minified and compressed with gzip. */
const BUNDLES = [
  ['nestjs-event-stream/client', all('client'), 7000],
  ['nestjs-event-stream/events', all('events'), 3200],
  ['connect() with a contract', TYPED_CLIENT, 8800],
];
const NOT_FOR_BROWSERS = /node_modules\/(?:@nestjs|rxjs)\//;

let failed = false;
for (const [name, contents, limit] of BUNDLES) {
  // For browsers, esbuild rejects the modules of Node.
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: '.' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  const foreign = Object.keys(metafile.inputs).filter((path) => NOT_FOR_BROWSERS.test(path));
  console.log(`${name}: ${size} bytes of ${limit}`);
  for (const path of foreign) console.error(`  It brings ${path}, which is not for browsers.`);
  if (size > limit || foreign.length > 0) failed = true;
}
process.exitCode = failed ? 1 : 0;
