import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { sseChannel } from '../../schematics/sse-channel/sse-channel.schematic.js';
import { sseController } from '../../schematics/sse-controller/sse-controller.schematic.js';
import type { Rule } from '../../schematics/tree.js';
import { FakeContext, FakeTree } from './fake-tree.js';

// The specs that the schematics write are run here as they are, against the sources of the library.
mkdirSync('.tmp', { recursive: true });
const folder = mkdtempSync('.tmp/generated-');

for (const type of ['generator', 'observable', 'channel'] as const) {
  await runSpec(
    `${type}-sample.controller.spec.ts`,
    sseController({ name: `${type}-sample`, flat: true, type }),
  );
}
await runSpec('übung.controller.spec.ts', sseController({ name: 'Übung', flat: true }));
await runSpec('sample.channel.spec.ts', sseChannel({ name: 'sample', flat: true }));
await runSpec('聊天.channel.spec.ts', sseChannel({ name: '聊天', flat: true }));

async function runSpec(file: string, rule: Rule): Promise<void> {
  const tree = new FakeTree({ 'package.json': '{ "type": "module" }' });
  rule(tree, new FakeContext());
  for (const path of tree.touched) writeFileSync(`${folder}/${path.split('/').at(-1)}`, tree.text(path));
  await import(`${process.cwd()}/${folder}/${file}`);
}

afterAll(() => rmSync(folder, { recursive: true }));
