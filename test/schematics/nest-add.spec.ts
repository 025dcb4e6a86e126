import { readFileSync } from 'node:fs';
import { nestAdd } from '../../schematics/nest-add/nest-add.schematic.js';
import { SUPPORTED_NEST } from '../../schematics/project/nest-version.js';
import { addDependency } from '../../schematics/project/package-json.js';
import type { ApplicationOptions } from '../../schematics/project/root-module.js';
import { FakeContext, FakeTree, text } from './fake-tree.js';

const MODULE = text`
  import { Module } from '@nestjs/common';
  import { AppController } from './app.controller.js';

  @Module({
    imports: [],
    controllers: [AppController],
  })
  export class AppModule {}
`;
const EDITED = MODULE.replace('imports: []', 'imports: [SseModule.forRoot()]').replace(
  "controller.js';\n",
  "controller.js';\nimport { SseModule } from 'nestjs-event-stream';\n",
);
const PACKAGE = '{\n  "name": "app",\n  "dependencies": {\n    "nestjs-event-stream": "^0.1.0"\n  }\n}\n';
const BY_HAND = `Add these two lines by hand:
  import { SseModule } from 'nestjs-event-stream';
  imports: [SseModule.forRoot()],   // in @Module() of the root module`;

function main(name: string, specifier: string): string {
  return `import { NestFactory } from '@nestjs/core';
import { ${name} } from '${specifier}';
const app = await NestFactory.create<NestFastifyApplication>(${name}, new FastifyAdapter());
await app.listen(3000);
`;
}

function run(files: Record<string, string | Buffer>, options: ApplicationOptions = { sourceRoot: 'src' }) {
  const tree = new FakeTree({ 'package.json': PACKAGE, ...files });
  const context = new FakeContext();
  nestAdd(options)(tree, context);
  return { tree, touched: [...tree.touched], ...context };
}

describe('the root module', () => {
  it('is src/app.module.ts', () => {
    const { tree, touched, infos, warnings } = run({ 'src/app.module.ts': MODULE });
    expect(tree.text('src/app.module.ts')).toBe(EDITED);
    expect([touched, infos, warnings]).toEqual([['src/app.module.ts'], [], []]);
  });

  it('is not changed by a second run, which reports it', () => {
    const { touched, infos } = run({ 'src/app.module.ts': EDITED });
    expect(touched).toEqual([]);
    expect(infos).toEqual(['src/app.module.ts has SseModule already; it was left as it is.']);
  });

  it('is the module that the entry file starts, rather than the one called app.module.ts', () => {
    const { touched } = run({
      'src/main.ts': main('RootModule', './root/root.module.js'),
      'src/root/root.module.ts': MODULE,
      'src/app.module.ts': MODULE,
    });
    expect(touched).toEqual(['src/root/root.module.ts']);
  });

  it('is app.module.ts if the entry file does not name one', () => {
    const { touched } = run({
      'src/main.ts': "import { boot } from './boot';\nvoid boot();\n",
      'src/app.module.ts': MODULE,
    });
    expect(touched).toEqual(['src/app.module.ts']);
  });

  it.each(['{ module: RootModule }', "(await import('./root.module')).RootModule", '[RootModule][0]'])(
    'is app.module.ts if the entry file starts %s',
    (expression) => {
      const entry = `import { NestFactory } from '@nestjs/core';\nvoid NestFactory.create(${expression});\n`;
      expect(run({ 'src/main.ts': entry, 'src/app.module.ts': MODULE }).touched).toEqual([
        'src/app.module.ts',
      ]);
      expect(run({ 'src/main.ts': entry }).warnings).toEqual([
        `The root module was not found: neither src/main.ts nor src/app.module.ts leads to it. Pass its file with --module. ${BY_HAND}`,
      ]);
    },
  );

  it('is looked for in the project of a monorepo, by its name and by its source root', () => {
    const files = {
      'nest-cli.json': JSON.stringify({
        sourceRoot: 'apps/shop/src',
        projects: {
          shop: { sourceRoot: 'apps/shop/src' },
          api: { sourceRoot: 'apps/api/src', entryFile: 'server' },
        },
      }),
      'apps/shop/src/main.ts': main('ShopModule', './shop.module'),
      'apps/shop/src/shop.module.ts': MODULE,
      'apps/api/src/server.ts': main('ApiModule', './api.module'),
      'apps/api/src/api.module.ts': MODULE,
    };
    expect(run(files, {}).touched).toEqual(['apps/shop/src/shop.module.ts']);
    expect(run(files, { project: 'api' }).touched).toEqual(['apps/api/src/api.module.ts']);
    expect(run(files, { sourceRoot: 'apps/api/src' }).touched).toEqual(['apps/api/src/api.module.ts']);
  });

  it('is the given file', () => {
    const files = { 'src/app.module.ts': MODULE, 'src/core.module.ts': MODULE };
    for (const module of [
      'src/core.module.ts',
      './src/core.module',
      'src\\core.module.js',
      '/src/core.module',
    ])
      expect(run(files, { sourceRoot: 'src', module }).touched).toEqual(['src/core.module.ts']);
    expect(run(files, { sourceRoot: 'src', module: '' }).touched).toEqual(['src/app.module.ts']);
  });

  it('is left unchanged if its shape is not recognized, and the lines to add are printed', () => {
    const { touched, warnings } = run({
      'src/app.module.ts': '@Module(metadata) export class AppModule {}\n',
    });
    expect(touched).toEqual([]);
    expect(warnings).toEqual([
      `src/app.module.ts was left as it is: the argument of its @Module() is not an object literal. ${BY_HAND}`,
    ]);
  });

  it('is left unchanged if SseModule has another meaning in it, and the lines to add have another name', () => {
    const source = MODULE.replace('@Module', "import { SseModule } from './sse/sse.module.js';\n\n@Module");
    const { touched, warnings } = run({ 'src/app.module.ts': source });
    expect(touched).toEqual([]);
    expect(warnings).toEqual([
      `src/app.module.ts was left as it is: it imports SseModule from './sse/sse.module.js'. Add these two lines by hand:
  import { SseModule as EventStreamModule } from 'nestjs-event-stream';
  imports: [EventStreamModule.forRoot()],   // in @Module() of the root module`,
    ]);
  });

  it('is left unchanged if it is not UTF-8, which would replace characters in it', () => {
    const source = Buffer.from(`// caf\u00e9\n${MODULE}`, 'latin1');
    const { touched, warnings } = run({ 'src/app.module.ts': source });
    expect(touched).toEqual([]);
    expect(warnings).toEqual([`src/app.module.ts was left as it is: it is not encoded as UTF-8. ${BY_HAND}`]);
  });

  it('is asked for if it is missing, with the lines to add', () => {
    expect(run({}).warnings).toEqual([
      `The root module was not found: neither src/main.ts nor src/app.module.ts leads to it. Pass its file with --module. ${BY_HAND}`,
    ]);
    expect(run({}, { module: 'src/x.ts' }).warnings).toEqual([
      `The file src/x.ts of --module was not found. Pass a path from the root of the workspace. ${BY_HAND}`,
    ]);
  });

  it.each([
    ['the root of the workspace', 'src/root/root.module'],
    ['the source root', 'root/root.module'],
  ])('is found by an import from %s', (_where, specifier) => {
    const files = {
      'src/main.ts': main('RootModule', specifier),
      'src/root/root.module.ts': MODULE,
      'src/app.module.ts': MODULE,
    };
    expect(run(files).touched).toEqual(['src/root/root.module.ts']);
  });

  it('is found by an alias of tsconfig.json, with comments in it', () => {
    const files = {
      'tsconfig.json': `{
        // Aliases of the application
        "compilerOptions": { "baseUrl": "./", "paths": { "@/*": ["src/*"], "#root": ["./src/root/root.module.ts"], }, },
      }`,
      'src/root/root.module.ts': MODULE,
      'src/app.module.ts': MODULE,
    };
    for (const specifier of ['@/root/root.module', '#root'])
      expect(run({ ...files, 'src/main.ts': main('RootModule', specifier) }).touched).toEqual([
        'src/root/root.module.ts',
      ]);
  });

  it('is not app.module.ts if the entry file starts another module that cannot be found', () => {
    const { touched, warnings } = run({
      'src/main.ts': main('RootModule', '@elsewhere/root'),
      'src/app.module.ts': MODULE,
    });
    expect(touched).toEqual([]);
    expect(warnings).toEqual([
      `The root module was not found: src/main.ts starts RootModule, which it imports from '@elsewhere/root'. Pass its file with --module. ${BY_HAND}`,
    ]);
    expect(
      run({ 'src/main.ts': main('AppModule', '@elsewhere/app'), 'src/app.module.ts': MODULE }).touched,
    ).toEqual(['src/app.module.ts']);
  });

  it('is in the entry file if that declares it', () => {
    const { touched } = run({
      'src/main.ts': `import { NestFactory } from '@nestjs/core';\n${MODULE}void NestFactory.create(AppModule);\n`,
      'src/app.module.ts': MODULE,
    });
    expect(touched).toEqual(['src/main.ts']);
  });

  it('is the one that the entry file starts, or AppModule, if its file has several', () => {
    const several = `${MODULE.replace('AppModule', 'RootModule')}${MODULE.replace(/^import.*\n/gm, '')}`;
    const start = (name: string) =>
      run({ 'src/main.ts': main(name, './app.module'), 'src/app.module.ts': several });
    expect(start('RootModule').tree.text('src/app.module.ts')).toMatch(
      /forRoot\(\)\],\s+controllers: \[AppController\],\s+\}\)\s+export class RootModule/,
    );
    const app = /forRoot\(\)\],\s+controllers: \[AppController\],\s+\}\)\s+export class AppModule/;
    expect(start('AppModule').tree.text('src/app.module.ts')).toMatch(app);
    const module = 'src/root.module.ts';
    expect(run({ [module]: several }, { module }).tree.text(module)).toMatch(
      /forRoot\(\)\],\s+controllers: \[AppController\],\s+\}\)\s+export class RootModule/,
    );
    expect(run({ 'src/app.module.ts': several }).tree.text('src/app.module.ts')).toMatch(app);
  });

  it.each(['js', 'mts', 'mjs'])('may be in a .%s file', (ending) => {
    const specifier = `./app.module.${ending.replace('t', 'j')}`;
    expect(
      run({ [`src/main.${ending}`]: main('AppModule', specifier), [`src/app.module.${ending}`]: MODULE })
        .touched,
    ).toEqual([`src/app.module.${ending}`]);
    expect(run({ [`src/app.module.${ending}`]: MODULE }).touched).toEqual([`src/app.module.${ending}`]);
  });

  it('is found with an entry file that is given with its folder or ending', () => {
    for (const entryFile of ['src/server', 'server.js', 'dist/server']) {
      const files = {
        'nest-cli.json': JSON.stringify({ entryFile }),
        'src/server.ts': main('RootModule', './root.module'),
        'src/root.module.ts': MODULE,
        'src/app.module.ts': MODULE,
      };
      expect(run(files).touched).toEqual(['src/root.module.ts']);
    }
  });

  it('is rejected for a project that does not exist', () => {
    const files = {
      'src/app.module.ts': MODULE,
      'nest-cli.json': '\uFEFF{ "projects": { "shop": { "sourceRoot": "src" } } }',
    };
    expect(() => run(files, { project: 'typo', sourceRoot: 'src' })).toThrow(
      'There is no project "typo" in nest-cli.json. Its only project is "shop".',
    );
    expect(run(files, { project: 'shop' }).touched).toEqual(['src/app.module.ts']);
  });

  it.each([
    '{ "projects": null, "sourceRoot": 5, "entryFile": [] }',
    '{ "projects": { "a": null, "b": {} } }',
    '[]',
    'null',
    '{ // comment',
  ])('is found despite nest-cli.json being %s', (configuration) => {
    const files = { 'nest-cli.json': configuration, 'src/app.module.ts': MODULE };
    expect(run(files).touched).toEqual(['src/app.module.ts']);
    expect(run(files, {}).touched).toEqual(['src/app.module.ts']);
  });
});

describe('the version of Nest', () => {
  const installed = (version: string) => ({
    'src/app.module.ts': EDITED,
    'node_modules/@nestjs/common/package.json': JSON.stringify({ version }),
  });

  it.each(['10.4.20', '9.0.0', '13.0.0-next.1'])('%s causes a warning', (version) => {
    expect(run(installed(version)).warnings).toEqual([
      `@nestjs/common ${version} is installed. nestjs-event-stream needs version 11 or 12.`,
    ]);
  });

  it.each(['11.0.0', '12.5.1', 'workspace', ''])('%j causes no warning', (version) => {
    expect(run(installed(version)).warnings).toEqual([]);
  });

  it('is that of the peer dependencies', () => {
    const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      peerDependencies: Record<string, string>;
    };
    expect(peerDependencies['@nestjs/common']).toBe(
      SUPPORTED_NEST.map((major) => `^${major}.0.0`).join(' || '),
    );
  });
});

describe('the dependency', () => {
  it('is the installed version and compatible ones', () => {
    const { tree, infos } = run({
      'package.json': '{\n  "name": "app"\n}\n',
      'node_modules/nestjs-event-stream/package.json': '{ "version": "1.2.3" }',
      'src/app.module.ts': EDITED,
    });
    expect(tree.text('package.json')).toBe(
      '{\n  "name": "app",\n  "dependencies": {\n    "nestjs-event-stream": "^1.2.3"\n  }\n}\n',
    );
    expect(infos[0]).toBe(
      'nestjs-event-stream is now in package.json: install it with your package manager.',
    );
  });

  it('is the latest one if none is installed', () => {
    expect(run({ 'package.json': '{ "name": "app" }' }).tree.text('package.json')).toBe(
      '{ "name": "app", "dependencies": { "nestjs-event-stream": "latest" } }',
    );
  });

  it.each([
    [
      '{\n  "dependencies": {\n    "a": "1",\n    "z": "1"\n  }\n}',
      '{\n  "dependencies": {\n    "a": "1",\n    "n": "^1",\n    "z": "1"\n  }\n}',
    ],
    [
      '{\n  "dependencies": {\n    "a": "1"\n  }\n}',
      '{\n  "dependencies": {\n    "a": "1",\n    "n": "^1"\n  }\n}',
    ],
    [
      '{\n\t"dependencies": {\n\t\t"z": "1"\n\t}\n}',
      '{\n\t"dependencies": {\n\t\t"n": "^1",\n\t\t"z": "1"\n\t}\n}',
    ],
    [
      '{\n    "dependencies": {},\n    "x": 1\n}',
      '{\n    "dependencies": {\n        "n": "^1"\n    },\n    "x": 1\n}',
    ],
    ['{}', '{\n  "dependencies": {\n    "n": "^1"\n  }\n}\n'],
  ])('is added at its place in %j', (before, after) => {
    expect(addDependency(before, 'n', '^1')).toBe(after);
    expect(JSON.parse(after)).toMatchObject({ dependencies: { n: '^1' } });
  });

  it.each(['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'])(
    'is not added if it is among the %s',
    (kind) => {
      expect(addDependency(JSON.stringify({ [kind]: { n: 'file:n.tgz' } }), 'n', '^1')).toBeUndefined();
    },
  );

  it('is added behind a byte order mark', () => {
    expect(addDependency('\uFEFF{\r\n  "x": 1\r\n}', 'n', '^1')).toBe(
      '\uFEFF{\r\n  "x": 1,\r\n  "dependencies": {\r\n    "n": "^1"\r\n  }\r\n}',
    );
    expect(addDependency('{}\r\n', 'n', '^1')).toBe(
      '{\r\n  "dependencies": {\r\n    "n": "^1"\r\n  }\r\n}\r\n',
    );
    expect(addDependency('\uFEFF{}', 'n', '^1')).toBe(
      '\uFEFF{\n  "dependencies": {\n    "n": "^1"\n  }\n}\n',
    );
  });

  it.each([
    ['{ "a": 1, }', 'it is not valid JSON'],
    ['{ // comment\n }', 'it is not valid JSON'],
    [Buffer.from('{ "author": "Ren\u00e9" }', 'latin1'), 'it is not encoded as UTF-8'],
    ['[]', 'it is not an object'],
    ['null', 'it is not an object'],
    ['{ "dependencies": [] }', 'its "dependencies" are not an object'],
    ['{ "dependencies": null }', 'its "dependencies" are not an object'],
  ])('is not added to %s, with a warning', (source, reason) => {
    const { touched, warnings } = run({ 'package.json': source, 'src/app.module.ts': MODULE });
    expect(touched).toEqual(['src/app.module.ts']);
    expect(warnings).toEqual([
      `package.json was left as it is: ${reason}. Add "nestjs-event-stream" to its dependencies by hand.`,
    ]);
  });

  it.each(['{}', '{ "version": 5 }', '{ broken'])('is the latest if the installed one is %s', (manifest) => {
    const { tree } = run({
      'package.json': '{ "name": "app" }',
      'node_modules/nestjs-event-stream/package.json': manifest,
      'src/app.module.ts': EDITED,
    });
    expect(tree.text('package.json')).toContain('"nestjs-event-stream": "latest"');
  });
});
