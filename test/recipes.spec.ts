import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const RECIPES = readdirSync(join(ROOT, 'test/recipes'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
  .map(({ name }) => name);

/** The files of an application: all but its test. */
const files = (recipe: string): string[] =>
  readdirSync(join(ROOT, 'test/recipes', recipe))
    .filter((name) => !name.endsWith('-spec.ts'))
    .map((name) => `test/recipes/${recipe}/${name}`);

describe('the recipes', () => {
  it('have a page each, which the index lists', () => {
    const pages = readdirSync(join(ROOT, 'docs/recipes')).filter((name) => name !== 'README.md');
    expect(pages.sort()).toEqual(RECIPES.map((name) => `${name}.md`).sort());
    for (const page of pages) expect(read('docs/recipes/README.md')).toContain(`](${page})`);
  });

  it.each(RECIPES)('%s shows every file of its application, as it is run', (recipe) => {
    const page = read(`docs/recipes/${recipe}.md`);
    const shown = [...page.matchAll(/^<!-- (\S+) -->\n\n```ts\n([^]*?)^```$/gm)];
    expect(shown.map(([, file]) => file).sort()).toEqual(files(recipe).sort());
    for (const [, file = '', code] of shown) expect(code).toBe(read(file));
  });

  it.each(RECIPES)('%s has a test', (recipe) => {
    expect(readdirSync(join(ROOT, 'test/recipes', recipe))).toContain(`${recipe}.e2e-spec.ts`);
  });
});
