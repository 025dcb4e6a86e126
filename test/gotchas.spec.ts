import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const ROW = /^\| (?<what>.+?) +\| (?<where>.+?) +\| (?<guards>.+?) +\|$/;
const GUARD = /\]\((?<file>[^)]+)\): “(?<name>[^”]+)”/g;

const rows = readFileSync(join(HERE, 'GOTCHAS.md'), 'utf8')
  .split('\n')
  .map((line) => ROW.exec(line)?.groups ?? {})
  .map(({ what = '', guards = '' }): [what: string, guards: string] => [what, guards])
  .filter(([what]) => what !== '' && what !== 'what goes wrong' && !/^-+$/.test(what));

it('the table has rows', () => {
  expect(rows.length).toBeGreaterThan(60);
});

it.each(rows)('%s', (_what, guards) => {
  const found = [...guards.matchAll(GUARD)];
  // One that cannot happen here says so.
  if (found.length === 0) expect(guards).toMatch(/^Not /);
  for (const { groups: { file = '', name = '' } = {} } of found) {
    const text = readFileSync(join(HERE, file), 'utf8').replaceAll("\\'", "'");
    expect([file, name, text.includes(name)]).toEqual([file, name, true]);
  }
});
