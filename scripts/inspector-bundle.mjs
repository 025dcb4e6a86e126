import { build } from 'esbuild';

/** The file with the script and the style of the inspector's page. */
export const BUNDLE = 'src/inspector/page.bundle.ts';

/** Returns the text of {@link BUNDLE}. */
export async function bundleOfPage() {
  const script = await bundled('src/inspector/page/main.ts');
  const style = await bundled('src/inspector/page/style.css');
  return [
    '// Made by `node scripts/build-inspector.mjs` from `src/inspector/page/`. Do not edit.',
    '',
    '/** The script of the page, with the client of the library. */',
    `export const SCRIPT = ${JSON.stringify(script)};`,
    '',
    '/** The style of the page. */',
    `export const STYLE = ${JSON.stringify(style)};`,
    '',
  ].join('\n');
}

async function bundled(entryPoint) {
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2022', 'chrome100', 'firefox100', 'safari15.4'],
    write: false,
    logLevel: 'error',
  });
  return outputFiles[0].text.trimEnd();
}
