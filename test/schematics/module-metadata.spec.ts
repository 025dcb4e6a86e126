import { addToModule, type ModuleEntry } from '../../schematics/module-file/module-metadata.js';
import { text } from './fake-tree.js';

const SSE: ModuleEntry = {
  property: 'imports',
  symbol: 'SseModule',
  expression: 'SseModule.forRoot()',
  specifier: 'nestjs-event-stream',
};
const IMPORT = "import { Module } from '@nestjs/common';\n";
const ADDED_IMPORT = `${IMPORT}import { SseModule } from 'nestjs-event-stream';\n`;

function added(source: string, entry = SSE): string {
  const edit = addToModule(source, entry);
  if (edit.kind !== 'added') throw new Error(JSON.stringify(edit));
  return edit.source;
}

/** The resulting decorator alone. */
function decorated(decorator: string, entry = SSE): string {
  const source = added(`${IMPORT}${decorator}\nexport class AppModule {}\n`, entry);
  expect(source.endsWith('\nexport class AppModule {}\n')).toBe(true);
  return source.slice(source.indexOf('@Module'), source.indexOf('\nexport class'));
}

describe('a module whose shape is recognized', () => {
  it('gets the import and the entry, and keeps every other character', () => {
    const source = text`
      import { Module } from '@nestjs/common';
      import { AppController } from './app.controller.js';
      import { AppService } from './app.service.js';

      // The "root" module: imports: [] is below.
      @Module({
        imports: [],
        controllers: [AppController], // one
        providers: [AppService],
      })
      export class AppModule {}
    `;
    expect(added(source)).toBe(text`
      import { Module } from '@nestjs/common';
      import { AppController } from './app.controller.js';
      import { AppService } from './app.service.js';
      import { SseModule } from 'nestjs-event-stream';

      // The "root" module: imports: [] is below.
      @Module({
        imports: [SseModule.forRoot()],
        controllers: [AppController], // one
        providers: [AppService],
      })
      export class AppModule {}
    `);
  });

  it.each([
    ['@Module({ imports: [A, B] })', '@Module({ imports: [A, B, SseModule.forRoot()] })'],
    ['@Module({ imports: [A, B,] })', '@Module({ imports: [A, B, SseModule.forRoot(),] })'],
    ["@Module({ 'imports': [ ] })", "@Module({ 'imports': [SseModule.forRoot()] })"],
    ['@Module({ controllers: [C] })', '@Module({ imports: [SseModule.forRoot()], controllers: [C] })'],
    ['@Module({controllers: [C]})', '@Module({imports: [SseModule.forRoot()], controllers: [C]})'],
    ['@Module({ imports: [A], }, )', '@Module({ imports: [A, SseModule.forRoot()], }, )'],
    [
      '@Module({ imports: [...A, B(x => [x])] })',
      '@Module({ imports: [...A, B(x => [x]), SseModule.forRoot()] })',
    ],
    ['@Module({ ...base, imports: [A] })', '@Module({ ...base, imports: [A, SseModule.forRoot()] })'],
    ['@Module({})', '@Module({\n  imports: [SseModule.forRoot()],\n})'],
  ])('%s', (before, after) => {
    expect(decorated(before)).toBe(after);
  });

  it('has its entries on lines of their own where they are so', () => {
    expect(
      decorated('@Module({\n  imports: [\n    A,\n    B.forRoot({\n      c: 1,\n    }),\n  ],\n})'),
    ).toBe(
      '@Module({\n  imports: [\n    A,\n    B.forRoot({\n      c: 1,\n    }),\n    SseModule.forRoot(),\n  ],\n})',
    );
  });

  it('has its entries on lines of their own once they are too long for one', () => {
    const names = 'AppController, AccountController, CatalogueController';
    expect(decorated(`@Module({\n  imports: [${names}],\n})`)).toBe(
      '@Module({\n  imports: [\n    AppController,\n    AccountController,\n    CatalogueController,\n    SseModule.forRoot(),\n  ],\n})',
    );
    expect(decorated('@Module({ controllers: [AppController, AccountController] })')).toBe(
      '@Module({\n  imports: [SseModule.forRoot()],\n  controllers: [AppController, AccountController],\n})',
    );
    const commented = `@Module({\n  imports: [${names} /* the last */],\n})`;
    expect(decorated(commented)).toBe(commented.replace(' /*', ', SseModule.forRoot() /*'));
    const long = `@Module({\n  imports: [${names}, ${names}],\n})`;
    expect(decorated(long)).toBe(long.replace('],', ', SseModule.forRoot()],'));
  });

  it('keeps its type arguments on one line', () => {
    const line = '  imports: [AppController, create<AccountController, CatalogController>(1 < 2)],';
    expect(decorated(`@Module({\n${line}\n})`)).toBe(
      `@Module({\n${line.replace('],', ', SseModule.forRoot()],')}\n})`,
    );
  });

  it('keeps a comment with the entry that it is about', () => {
    expect(decorated('@Module({\n  imports: [\n    A // a, [b]\n  ],\n})')).toBe(
      '@Module({\n  imports: [\n    A, // a, [b]\n    SseModule.forRoot()\n  ],\n})',
    );
    expect(decorated('@Module({\n  imports: [\n    A, /* a */\n    // c\n  ],\n})')).toBe(
      '@Module({\n  imports: [\n    A, /* a */\n    SseModule.forRoot(),\n    // c\n  ],\n})',
    );
    expect(decorated('@Module({\n  imports: [\n    // none yet\n  ],\n})')).toBe(
      '@Module({\n  imports: [\n    // none yet\n    SseModule.forRoot(),\n  ],\n})',
    );
  });

  it('is not continued after the bracket on the line of a comment', () => {
    expect(decorated('@Module({\n  exports: [] /* a */ } /* b */\n)')).toBe(
      '@Module({\n  imports: [SseModule.forRoot()],\n  exports: [] /* a */ } /* b */\n)',
    );
    const entry = { property: 'providers', symbol: 'X', specifier: './x' } as const;
    expect(decorated('@Module({\n  imports: [] /* a */ } /* b */\n)', entry)).toBe(
      '@Module({\n  imports: [],\n  providers: [X] /* a */ } /* b */\n)',
    );
  });

  it('is written with its own line endings and indentation', () => {
    expect(decorated('@Module({\r\n\tcontrollers: [C],\r\n})')).toBe(
      '@Module({\r\n\timports: [SseModule.forRoot()],\r\n\tcontrollers: [C],\r\n})',
    );
    expect(decorated('@Module({\n    // which?\n    controllers: [C],\n})')).toBe(
      '@Module({\n    imports: [SseModule.forRoot()],\n    // which?\n    controllers: [C],\n})',
    );
  });

  it.each([
    [
      'controllers',
      '@Module({ imports: [A], providers: [P] })',
      '@Module({ imports: [A], controllers: [X], providers: [P] })',
    ],
    [
      'providers',
      '@Module({ imports: [A], exports: [E] })',
      '@Module({ imports: [A], providers: [X], exports: [E] })',
    ],
    [
      'controllers',
      '@Module({\n  imports: [A], // a, b\n  exports: [E],\n})',
      '@Module({\n  imports: [A], // a, b\n  controllers: [X],\n  exports: [E],\n})',
    ],
    ['controllers', '@Module({\n  imports: [A]\n})', '@Module({\n  imports: [A],\n  controllers: [X]\n})'],
  ] as const)('puts a missing %s at its usual place', (property, before, after) => {
    expect(decorated(before, { property, symbol: 'X', specifier: './x' })).toBe(after);
  });

  it('is found despite strings, templates, comments and regular expressions that look like it', () => {
    const before = [
      "const a = '@Module({';",
      'const b = `@Module({ ${f({ c: `}` })} `; // @Module({',
      '/* @Module({ imports: [] }) */',
      'const d = /[/"]@Module\\({/.test(x) ? 1 / 2 : /"/;',
      '',
    ].join('\n');
    const source = `${IMPORT}${before}@Module({ imports: [] }) class M {}\n`;
    expect(added(source)).toBe(
      `${ADDED_IMPORT}${before}@Module({ imports: [SseModule.forRoot()] }) class M {}\n`,
    );
  });
});

describe('a file with several modules', () => {
  const first = '@Module({ imports: [X] }) export class FirstModule {}\n';
  const second =
    '@Global()\n@Module({ imports: [Y] })\n@Other({ a: class {} })\nexport default class AppModule {}\n';

  it('is changed at the one of the given name', () => {
    expect(addToModule(IMPORT + first + second, SSE, 'AppModule')).toEqual({
      kind: 'added',
      source: ADDED_IMPORT + first + second.replace('[Y]', '[Y, SseModule.forRoot()]'),
    });
    expect(addToModule(IMPORT + second + first, SSE, 'FirstModule')).toEqual({
      kind: 'added',
      source: ADDED_IMPORT + second + first.replace('[X]', '[X, SseModule.forRoot()]'),
    });
  });

  it.each(['OtherModule', undefined])('is left unchanged if the name is %s', (name) => {
    expect(addToModule(IMPORT + first + second, SSE, name)).toEqual({
      kind: 'unclear',
      reason: 'it has more than one @Module() decorator',
    });
  });

  it('does not need the name if there is one module', () => {
    expect(addToModule(IMPORT + first, SSE, 'AppModule').kind).toBe('added');
  });
});

describe('the import that is added', () => {
  const module = '@Module({}) class M {}\n';
  const edited = '@Module({\n  imports: [SseModule.forRoot()],\n}) class M {}\n';

  it('is written as the imports before it', () => {
    expect(added(`import { Module } from "@nestjs/common"\n${module}`)).toBe(
      `import { Module } from "@nestjs/common"\nimport { SseModule } from "nestjs-event-stream"\n${edited}`,
    );
  });

  it('comes after an import that spans lines or has attributes', () => {
    const before =
      "import {\n  Module,\n} from '@nestjs/common';\nimport data from './d.json' with { type: 'json' };\n";
    expect(added(before + module)).toBe(
      `${before}import { SseModule } from 'nestjs-event-stream';\n${edited}`,
    );
  });

  it('joins an import of the same package', () => {
    expect(added(`${IMPORT}import { Channels } from 'nestjs-event-stream';\n${module}`)).toBe(
      `${IMPORT}import { Channels, SseModule } from 'nestjs-event-stream';\n${edited}`,
    );
    expect(added(`${ADDED_IMPORT}${module}`)).toBe(`${ADDED_IMPORT}${edited}`);
  });

  it('joins an import of the same file with another ending', () => {
    const before = `${IMPORT}import { Message } from './x.js';\n`;
    const entry = { property: 'controllers', symbol: 'X', specifier: './x' } as const;
    expect(added(before + module, entry)).toContain("import { Message, X } from './x.js';\n");
  });

  it('stays apart from an import of types and of a namespace', () => {
    const before = `${IMPORT}import type { SseEvent } from 'nestjs-event-stream';\nimport * as sse from 'nestjs-event-stream';\n`;
    expect(added(before + module)).toBe(
      `${before}import { SseModule } from 'nestjs-event-stream';\n${edited}`,
    );
  });

  it('is not confused by import() and import.meta', () => {
    const after = "const x = import('./x.js');\nconst y = import.meta.url;\n";
    expect(added(`${IMPORT}${after}${module}`)).toBe(`${ADDED_IMPORT}${after}${edited}`);
  });

  it('starts a file without imports', () => {
    const line = "import { SseModule } from 'nestjs-event-stream';\n";
    expect(added(module)).toBe(`${line}${edited}`);
    expect(added(`\uFEFF${module}`)).toBe(`\uFEFF${line}${edited}`);
    expect(added(`#!/usr/bin/env node\n${module}`)).toBe(`#!/usr/bin/env node\n${line}${edited}`);
  });

  it('leaves a comment on the line of the import before it', () => {
    const before = "import { Module } from '@nestjs/common'; // keep, here\n";
    expect(added(before + module)).toBe(
      `${before}import { SseModule } from 'nestjs-event-stream';\n${edited}`,
    );
  });

  it('is not added after a property that is called import', () => {
    const after = "const x = { import: X, from: 'y' };\nconst z = { a, import() {}, b: 'c' };\n";
    expect(added(`${IMPORT}${after}${module}`)).toBe(`${ADDED_IMPORT}${after}${edited}`);
  });

  it('has its quotes escaped in a path', () => {
    const entry = { property: 'controllers', symbol: 'X', specifier: "./it's/x" } as const;
    expect(added(`${IMPORT}${module}`, entry)).toContain("import { X } from './it\\'s/x';\n");
  });
});

describe('a module that has the entry', () => {
  it.each([
    ['@Module({ imports: [SseModule.forRoot({ heartbeat: false })] })'],
    ['@Module({ imports: [A, SseModule.forRootAsync({ useFactory })] })'],
    ['const sse = SseModule.forRoot();\n@Module({ imports: [sse] })'],
  ])('%s is left alone', (decorator) => {
    expect(addToModule(`${ADDED_IMPORT}${decorator} class M {}`, SSE)).toEqual({ kind: 'present' });
  });

  it('is recognized under another name', () => {
    const source = `import { SseModule as Streams } from 'nestjs-event-stream';\n@Module({ imports: [Streams.forRoot()] }) class M {}`;
    expect(addToModule(source, SSE)).toEqual({ kind: 'present' });
  });

  it('is recognized in a namespace and in the result of require()', () => {
    for (const [source, use] of [
      ["import * as sse from 'nestjs-event-stream';", 'sse.SseModule.forRoot()'],
      ["import sse = require('nestjs-event-stream');", 'sse.SseModule.forRoot()'],
      ["const { SseModule } = require('nestjs-event-stream');", 'SseModule.forRoot()'],
    ])
      expect(addToModule(`${source}\n@Module({ imports: [${use}] }) class M {}`, SSE)).toEqual({
        kind: 'present',
      });
  });

  it.each(['./chat.controller', './chat.controller.js', './chat.controller.ts'])(
    'is recognized with the import ending of %s',
    (specifier) => {
      const source = `import { C } from '${specifier}';\n@Module({ controllers: [C] }) class M {}`;
      const entry = { property: 'controllers', symbol: 'C', specifier: './chat.controller.js' } as const;
      expect(addToModule(source, entry)).toEqual({ kind: 'present' });
    },
  );

  it('does not count as present if the file only exports it for others', () => {
    for (const line of [
      "export { SseModule } from 'nestjs-event-stream';",
      "export { SseModule, Channels as C } from './streams'",
      "export type { SseModule } from 'nestjs-event-stream';",
    ])
      expect(added(`${IMPORT}${line}\n@Module({ imports: [A] }) class M {}`)).toBe(
        `${ADDED_IMPORT}${line}\n@Module({ imports: [A, SseModule.forRoot()] }) class M {}`,
      );
  });

  it('is present if an exported declaration before another import uses it', () => {
    const source = `${ADDED_IMPORT}export class A { b = SseModule.forRoot() }\nimport { c } from 'c';\n@Module({}) class M {}`;
    expect(addToModule(source, SSE)).toEqual({ kind: 'present' });
  });

  it('does not count as present if only a comment names it', () => {
    expect(decorated('// SseModule\n@Module({ imports: [/* SseModule */] })')).toBe(
      '@Module({ imports: [/* SseModule */\n  SseModule.forRoot(),\n] })',
    );
  });
});

describe('a module whose shape is not recognized', () => {
  it.each([
    ['class M {}', 'it has no @Module() decorator'],
    ['@Module({}) class A {}\n@Module({}) class B {}', 'it has more than one @Module() decorator'],
    ['@Module(metadata) class M {}', 'the argument of its @Module() is not an object literal'],
    ['@Module() class M {}', 'the argument of its @Module() is not an object literal'],
    [
      '@Module({ imports: [] } as ModuleMetadata) class M {}',
      'the argument of its @Module() is not an object literal',
    ],
    ['@Module({ imports }) class M {}', 'its imports are not an array literal'],
    ['@Module({ imports: modules }) class M {}', 'its imports are not an array literal'],
    ['@Module({ imports: [A].concat(B) }) class M {}', 'its imports are not an array literal'],
    ['@Module({ ...base }) class M {}', 'its imports may come from an object that is spread into @Module()'],
    [
      '@Module({ imports: [], ...base }) class M {}',
      'its imports may come from an object that is spread into @Module()',
    ],
    [
      '@Module({ get imports() { return []; } }) class M {}',
      'its imports may come from a method, an accessor or a computed name in @Module()',
    ],
    [
      '@Module({ imports() {} }) class M {}',
      'its imports may come from a method, an accessor or a computed name in @Module()',
    ],
    [
      "@Module({ imports: [A], ['imports']: [B] }) class M {}",
      'its imports may come from a method, an accessor or a computed name in @Module()',
    ],
    ['@Module({ imports: [ class M {}', 'the argument of its @Module() is not an object literal'],
  ])('%s is rejected with the reason', (source, reason) => {
    expect(addToModule(IMPORT + source, SSE)).toEqual({ kind: 'unclear', reason });
  });

  it('is one that imports the symbol under another name without using it', () => {
    const source = `import { SseModule as S } from 'nestjs-event-stream';\n@Module({}) class M {}`;
    expect(addToModule(source, SSE)).toEqual({
      kind: 'unclear',
      reason: 'it imports SseModule under another name',
    });
  });

  it.each([
    ["import { SseModule } from './sse/sse.module';", "it imports SseModule from './sse/sse.module'"],
    ["import SseModule from './sse/sse.module';", "it imports SseModule from './sse/sse.module'"],
    ["import { Own as SseModule } from './own';", "it imports SseModule from './own'"],
    [
      "import { Channels as SseModule } from 'nestjs-event-stream';",
      'it uses the name SseModule for something else',
    ],
    ['@Global() class SseModule {}', 'it uses the name SseModule for something else'],
    ['abstract class SseModule<T> {}', 'it uses the name SseModule for something else'],
    ['function SseModule() {}', 'it uses the name SseModule for something else'],
    ['const SseModule = create();', 'it uses the name SseModule for something else'],
    ["import type { SseModule } from 'nestjs-event-stream';", 'it imports SseModule as a type'],
    ["import { type SseModule } from 'nestjs-event-stream';", 'it imports SseModule as a type'],
    ["import type { SseModule } from './sse/sse.module';", "it imports SseModule from './sse/sse.module'"],
  ])('is one in which the name has another meaning: %s', (line, reason) => {
    for (const module of ['@Module({ imports: [SseModule] }) class M {}', '@Module({}) class M {}'])
      expect(addToModule(`${IMPORT}${line}\n${module}`, SSE)).toEqual({
        kind: 'unclear',
        reason,
        isTaken: true,
      });
  });
});
