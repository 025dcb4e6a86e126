import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../..');
const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { import: { default: string }; require: { default: string } }>;
};
/** Each subpath of the package that is code, and the source of its entry point. */
const ENTRIES = Object.entries(exports).flatMap(([subpath, target]) =>
  typeof target === 'string'
    ? []
    : [[subpath, target.import.default.replace(/^\.\/dist\/esm\/(.*)\.js$/, 'src/$1.ts')] as const],
);

function program(): ts.Program {
  const path = join(ROOT, 'tsconfig.json');
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(path, ts.sys.readFile).config,
    ts.sys,
    ROOT,
  );
  return ts.createProgram(
    ENTRIES.map(([, source]) => join(ROOT, source)),
    options,
  );
}

function isInternal(symbol: ts.Symbol): boolean {
  return symbol.getJsDocTags().some(({ name }) => name === 'internal');
}

/** The part of an export that a user may use: its own members that are neither private nor internal. */
function members(symbol: ts.Symbol, checker: ts.TypeChecker): string[] {
  const isClass = (symbol.flags & ts.SymbolFlags.Class) !== 0;
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return type
    .getProperties()
    .filter((member) => {
      const [declaration] = member.declarations ?? [];
      if (!declaration?.getSourceFile().fileName.startsWith(join(ROOT, 'src'))) return false;
      return (ts.getCombinedModifierFlags(declaration) & hidden) === 0 && !isInternal(member);
    })
    .map((member) => {
      const optional = (member.flags & ts.SymbolFlags.Optional) !== 0 ? '?' : '';
      const call = (member.flags & ts.SymbolFlags.Method) !== 0 ? '()' : '';
      return `  ${isClass ? '.' : ''}${member.name.startsWith('__@') ? '[symbol]' : member.name}${call}${optional}`;
    })
    .toSorted();
}

function describeExport(exported: ts.Symbol, checker: ts.TypeChecker): string[] {
  const alias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
  const symbol = alias ? checker.getAliasedSymbol(exported) : exported;
  const { flags } = symbol;
  const kinds = [
    [ts.SymbolFlags.Class, 'class'],
    [ts.SymbolFlags.Function, 'function'],
    [ts.SymbolFlags.Variable, 'const'],
    [ts.SymbolFlags.Interface, 'interface'],
    [ts.SymbolFlags.TypeAlias, 'type'],
  ] as const;
  const kind = kinds.flatMap(([flag, name]) => ((flags & flag) === 0 ? [] : [name])).join(' and ');
  const shown =
    (flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) !== 0 ? members(symbol, checker) : [];
  const typeOnly = exported.declarations?.some(
    (at) => ts.isExportSpecifier(at) && ts.isTypeOnlyExportDeclaration(at),
  );
  return [`${kind} ${exported.name}${typeOnly && kind === 'class' ? ' (as a type)' : ''}`, ...shown];
}

describe('what the package exports', () => {
  const compiled = program();
  const checker = compiled.getTypeChecker();

  it.each(ENTRIES)('%s is what was agreed on', (_subpath, source) => {
    const file = compiled.getSourceFile(join(ROOT, source));
    const module = file && checker.getSymbolAtLocation(file);
    const exported = module ? checker.getExportsOfModule(module) : [];
    const lines = exported
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((symbol) => describeExport(symbol, checker));
    expect(`\n${lines.join('\n')}\n`).toMatchSnapshot();
  });

  it.each(ENTRIES)('%s documents each export', (_subpath, source) => {
    const file = compiled.getSourceFile(join(ROOT, source));
    const module = file && checker.getSymbolAtLocation(file);
    const bare = (module ? checker.getExportsOfModule(module) : [])
      .map((symbol) =>
        (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol),
      )
      .filter((symbol) => symbol.getDocumentationComment(checker).length === 0)
      .map(({ name }) => name);
    expect(bare).toEqual([]);
  });

  it('has the same entries for ES modules and CommonJS', () => {
    for (const target of Object.values(exports)) {
      if (typeof target === 'string') continue;
      expect(target.require.default).toBe(target.import.default.replace('/esm/', '/cjs/'));
    }
  });
});
