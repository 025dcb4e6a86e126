import fc from 'fast-check';
import ts from 'typescript';
import { addToModule, type ModuleEntry } from '../../schematics/module-file/module-metadata.js';

const ENTRIES: readonly ModuleEntry[] = [
  {
    property: 'imports',
    symbol: 'SseModule',
    expression: 'SseModule.forRoot()',
    specifier: 'nestjs-event-stream',
  },
  { property: 'controllers', symbol: 'XController', specifier: './x/x.controller.js' },
  { property: 'providers', symbol: 'XChannel', specifier: './x/x.channel' },
];

const some = (...values: string[]) => fc.constantFrom(...values);
const join = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((texts) => texts.join(''));
const gap = some(
  '',
  '',
  ' ',
  '\n',
  '\n\t',
  ' /* c, ] } */ ',
  ' // c: [ {\n',
  '\n  // x\n  ',
  ' /* a */ /* b */ ',
);
const comma = some('', ',');
const item = some(
  'A',
  'B.forRoot({ a: [1, 2], b: { c } })',
  '...(x ? [D] : [])',
  'F.register(/[,\\]]/, `a${b ? `,` : "]"}`)',
  "G('],')",
  'H<A, B>()',
  'async () => ({ imports: [] })',
);

/** Texts with gaps around them, and commas between them and perhaps behind them. */
const separated = (texts: fc.Arbitrary<string[]>) =>
  fc
    .tuple(
      texts.chain((found) => fc.tuple(...found.map((text) => join(fc.constant(text), gap)))),
      gap,
      comma,
    )
    .map(([found, before, last]) => `${before}${found.join(',')}${found.length > 0 ? last : ''}`);

const array = join(some('['), separated(fc.array(item, { maxLength: 3 })), some(']'));
const property = (name: string) => join(some(name, `'${name}'`, `"${name}"`), gap, some(':'), gap, array);
const metadata = fc
  .shuffledSubarray(['imports', 'controllers', 'providers', 'exports'])
  .chain((names) => fc.tuple(...names.map(property)))
  .chain((found) => join(some('{'), separated(fc.constant(found)), gap, some('}')));
const line = some(
  "import { Module } from '@nestjs/common';",
  'import { Module } from "@nestjs/common"',
  "import x, { y as z, } from './y.js'; // keep",
  "import './side'",
  "import type { T } from 't'",
  "import data from './d.json' with { type: 'json' };",
  "import * as ns from 'nestjs-event-stream';",
  'import{Channels,}from"nestjs-event-stream"',
  "import type { SseEvent } from 'nestjs-event-stream';",
  'export { Z } from "z"',
  'const re = /[/\'"`]/;',
  "const o = { import: 1, from: 'f' };",
);
const source = fc
  .tuple(
    some('', '\uFEFF', '#!/usr/bin/env node\n', '// license\n'),
    fc.uniqueArray(line, { maxLength: 5 }).map((lines) => lines.join('\n')),
    join(some('\n@Module(', '\n@Global()\n@Module ('), gap, metadata, gap, comma, some(')')),
    some('\nexport class M {}\n', ' class M { n() { if (a) return import("./x"); } }\n'),
    some('\n', '\r\n'),
  )
  .map(([start, lines, decorator, end, eol]) => (start + lines + decorator + end).replaceAll('\n', eol));

function parse(text: string): ts.SourceFile {
  return ts.createSourceFile('app.module.ts', text, ts.ScriptTarget.Latest, true);
}

function syntaxErrors(text: string): number {
  return (ts.transpileModule(text, { reportDiagnostics: true, fileName: 'a.ts' }).diagnostics ?? []).length;
}

/** The items of an array of the metadata, and how often a name is imported. */
function read(text: string, { property: name, symbol }: ModuleEntry) {
  const file = parse(text);
  const items: string[] = [];
  let imported = 0;
  const visit = (node: ts.Node): void => {
    if (ts.isImportSpecifier(node) && node.name.text === symbol) imported++;
    if (ts.isDecorator(node) && ts.isCallExpression(node.expression)) {
      const [argument] = node.expression.arguments;
      for (const member of argument && ts.isObjectLiteralExpression(argument) ? argument.properties : []) {
        if (!ts.isPropertyAssignment(member) || !ts.isArrayLiteralExpression(member.initializer)) continue;
        if ((member.name as ts.Identifier).text !== name) continue;
        items.push(...member.initializer.elements.map((element) => element.getText(file)));
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { items, imported };
}

/** True if `whole` has all characters of `part` in their order. */
function contains(whole: string, part: string): boolean {
  let at = 0;
  return [...part].every((character) => (at = whole.indexOf(character, at) + 1) > 0);
}

it('adds to any module in which the metadata is written out, once, and keeps all that is there', () => {
  fc.assert(
    fc.property(source, fc.constantFrom(...ENTRIES), (before, entry) => {
      fc.pre(syntaxErrors(before) === 0);
      const edit = addToModule(before, entry);
      if (edit.kind !== 'added') throw new Error(JSON.stringify(edit));
      expect(syntaxErrors(edit.source)).toBe(0);
      const { items, imported } = read(edit.source, entry);
      expect(items).toEqual([...read(before, entry).items, entry.expression ?? entry.symbol]);
      expect(imported).toBe(1);
      const visible = (text: string) => text.replaceAll(/[\s,]/g, '');
      expect(contains(visible(edit.source), visible(before))).toBe(true);
      if (before.includes('\r\n')) expect(edit.source).not.toMatch(/(?<!\r)\n/);
      expect(addToModule(edit.source, entry)).toEqual({ kind: 'present' });
    }),
    { numRuns: 200 },
  );
});
