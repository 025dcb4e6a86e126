import { nestAdd } from '../../schematics/nest-add/nest-add.schematic.js';
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

function run(files: Record<string, string>, options: ApplicationOptions = { sourceRoot: 'src' }) {
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
    expect(run(files, { sourceRoot: 'src', module: 'src/core.module.ts' }).touched).toEqual([
      'src/core.module.ts',
    ]);
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

  it('is asked for if it is missing, with the lines to add', () => {
    expect(run({}).warnings).toEqual([`the root module of the application was not found. ${BY_HAND}`]);
    expect(run({}, { module: 'src/x.ts' }).warnings).toEqual([`src/x.ts was not found. ${BY_HAND}`]);
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
});
