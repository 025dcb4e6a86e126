import { execFileSync } from 'node:child_process';
import { SCRIPT, STYLE } from './page.bundle.js';

const MODULE = new URL('../../scripts/inspector-bundle.mjs', import.meta.url);

it('is what `npm run build:inspector` makes of the sources of the page', () => {
  const program = `process.stdout.write(await (await import(${JSON.stringify(MODULE.href)})).bundleOfPage())`;
  const made = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(made.includes(JSON.stringify(SCRIPT)) && made.includes(JSON.stringify(STYLE))).toBe(true);
});

it('loads nothing from other hosts', () => {
  // A name space, and the base of relative URLs outside of browsers.
  expect(`${SCRIPT}${STYLE}`.match(/https?:\/\/[^"'`\s)]+/g)).toEqual([
    'http://localhost/',
    'http://www.w3.org/2000/svg',
  ]);
});
