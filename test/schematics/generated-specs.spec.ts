import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { sseController } from '../../schematics/sse-controller/sse-controller.schematic.js';
import { FakeContext, FakeTree } from './fake-tree.js';

// The specs that the schematics write are run here as they are, against the sources of the library.
mkdirSync('.tmp', { recursive: true });
const folder = mkdtempSync('.tmp/generated-');
const packageJson = { 'package.json': '{ "type": "module" }' };

for (const type of ['generator', 'observable'] as const) {
  const tree = new FakeTree(packageJson);
  sseController({ name: `${type}-sample`, flat: true, type })(tree, new FakeContext());
  for (const [path, content] of tree.files) writeFileSync(`${folder}/${path.split('/').at(-1)}`, content);
  await import(`${process.cwd()}/${folder}/${type}-sample.controller.spec.ts`);
}

afterAll(() => rmSync(folder, { recursive: true }));
