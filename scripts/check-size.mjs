// Bundles the entry points that front ends use, and checks their size and that they bring nothing of Node, Nest or rxjs with
// them. Needs `npm run build` first.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** The limit of each entry point in bytes, minified and compressed with gzip, everything of it included. */
const LIMITS = { client: 7000, events: 3200 };
const NOT_FOR_BROWSERS = /node_modules\/(?:@nestjs|rxjs)\//;

let failed = false;
for (const [name, limit] of Object.entries(LIMITS)) {
  // For browsers, esbuild rejects the modules of Node.
  const { outputFiles, metafile } = await build({
    entryPoints: [`dist/esm/${name}/index.js`],
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
  console.log(`nestjs-event-stream/${name}: ${size} bytes of ${limit}`);
  for (const path of foreign) console.error(`  It brings ${path}, which is not for browsers.`);
  if (size > limit || foreign.length > 0) failed = true;
}
process.exitCode = failed ? 1 : 0;
