import prettier from 'prettier';
import ts from 'typescript';
import { sseChannel } from '../../schematics/sse-channel/sse-channel.schematic.js';
import type { ControllerType } from '../../schematics/sse-controller/controller.template.js';
import {
  sseController,
  type SseControllerOptions,
} from '../../schematics/sse-controller/sse-controller.schematic.js';
import type { ElementOptions } from '../../schematics/project/element.js';
import type { Rule } from '../../schematics/tree.js';
import { FakeContext, FakeTree } from './fake-tree.js';

const TYPES: readonly ControllerType[] = ['generator', 'observable', 'channel'];
const ESM_MODULE = `import { Module } from '@nestjs/common';
import { AppService } from './app.service.js';

@Module({
  imports: [],
  providers: [AppService],
})
export class AppModule {}
`;
const CJS_MODULE = ESM_MODULE.replace('.js', '');
const BARE_MODULE = "import { Module } from '@nestjs/common';\n\n@Module({})\nexport class ChatModule {}\n";

function run(rule: Rule, files: Record<string, string>) {
  const tree = new FakeTree({ 'package.json': '{}', ...files });
  const context = new FakeContext();
  rule(tree, context);
  return { tree, touched: [...tree.touched].sort(), ...context };
}

function controller(
  options: SseControllerOptions,
  files: Record<string, string> = { 'src/app.module.ts': ESM_MODULE },
) {
  return run(sseController({ sourceRoot: 'src', ...options }), files);
}

function channel(
  options: ElementOptions,
  files: Record<string, string> = { 'src/app.module.ts': ESM_MODULE },
) {
  return run(sseChannel({ sourceRoot: 'src', ...options }), files);
}

describe('where an element is written', () => {
  it.each<[ElementOptions, string]>([
    [{ name: 'chat' }, 'src/chat/chat'],
    [{ name: 'OrderLog' }, 'src/order-log/order-log'],
    [{ name: 'admin/OrderLog' }, 'src/admin/order-log/order-log'],
    [{ name: 'chat', path: 'admin/Live' }, 'src/admin/live/chat/chat'],
    [{ name: 'chat', flat: true }, 'src/chat'],
    [{ name: 'admin/chat', flat: true }, 'src/admin/chat'],
    [{ name: 'chat', sourceRoot: 'apps/api/src' }, 'apps/api/src/chat/chat'],
    [{ name: '../chat/' }, 'src/chat/chat'],
    [{ name: 'admin_area/v1.0/chat' }, 'src/admin_area/v1.0/chat/chat'],
    [{ name: 'chat', path: 'admin_area\\Live' }, 'src/admin_area/live/chat/chat'],
    [{ name: '__chat__' }, 'src/chat/chat'],
    [{ name: 'constructor' }, 'src/constructor/constructor'],
    [{ name: 'class' }, 'src/class/class'],
    [{ name: true }, 'src/true/true'],
  ])('%j: %s', (options, base) => {
    expect(controller(options).touched).toEqual(
      expect.arrayContaining([`${base}.controller.spec.ts`, `${base}.controller.ts`]),
    );
    expect(channel(options).touched).toEqual(
      expect.arrayContaining([`${base}.channel.spec.ts`, `${base}.channel.ts`]),
    );
  });

  it('is where the command runs when that is not the root of a workspace', () => {
    const tree = new FakeTree();
    sseController({ name: 'chat', sourceRoot: 'src' })(tree, new FakeContext());
    expect([...tree.touched]).toEqual(['chat/chat.controller.ts', 'chat/chat.controller.spec.ts']);
  });

  it('has no spec, or a spec with another suffix, if wanted', () => {
    expect(controller({ name: 'chat', spec: false }).touched).toEqual([
      'src/app.module.ts',
      'src/chat/chat.controller.ts',
    ]);
    expect(controller({ name: 'chat', specFileSuffix: 'test' }).touched).toContain(
      'src/chat/chat.controller.test.ts',
    );
    expect(controller({ name: 'chat', specFileSuffix: 'int.Spec' }).touched).toContain(
      'src/chat/chat.controller.int.spec.ts',
    );
    expect(controller({ name: 'chat', specFileSuffix: '' }).touched).toContain(
      'src/chat/chat.controller.spec.ts',
    );
  });

  it('is in the folder of its name that exists, with underscores if it has them', () => {
    const files = { 'src/order_log/order_log.module.ts': BARE_MODULE };
    expect(controller({ name: 'order_log' }, files).touched).toEqual([
      'src/order_log/order-log.controller.spec.ts',
      'src/order_log/order-log.controller.ts',
      'src/order_log/order_log.module.ts',
    ]);
  });

  it.each(['a/b', '../x', '...'])('is rejected with %j as the suffix of its spec', (specFileSuffix) => {
    expect(() => controller({ name: 'chat', specFileSuffix })).toThrow(
      `Invalid spec file suffix "${specFileSuffix}". Use letters, digits and dashes, for example "test".`,
    );
  });

  it('is rejected for a name that is too long for a file', () => {
    const name = 'ü'.repeat(120);
    expect(() => controller({ name })).toThrow(
      /^The file name "ü+\.controller\.spec\.ts" has 259 bytes\. The limit of most file systems is 255: choose a shorter name\.$/,
    );
    expect(controller({ name: 'ü'.repeat(110) }).touched).toHaveLength(3);
  });

  it('is not overwritten', () => {
    const files = { 'src/chat/chat.controller.spec.ts': '', 'src/app.module.ts': ESM_MODULE };
    const tree = new FakeTree({ 'package.json': '{}', ...files });
    expect(() => sseController({ name: 'chat' })(tree, new FakeContext())).toThrow(
      'src/chat/chat.controller.spec.ts already exists, so nothing was written. Choose another name, or delete the file first.',
    );
    expect(tree.touched.size).toBe(0);
  });

  it('is rejected for a name that makes no route', () => {
    expect(() => controller({ name: 'straße' })).toThrow(
      '"straße" does not make a route. Choose a name of ASCII letters and digits.',
    );
    expect(() => controller({ name: '\u1885' })).toThrow('does not make a route');
  });

  it('may have a name without a route if it is a channel', () => {
    const { tree, touched } = channel({ name: '聊天' });
    expect(touched).toContain('src/聊天/聊天.channel.ts');
    expect(tree.text('src/聊天/聊天.channel.ts')).toContain("channels.channel('聊天')");
    expect(tree.text('src/app.module.ts')).toContain("import { 聊天Channel } from './聊天/聊天.channel.js';");
  });

  it.each(['2fast', 7, "it's", '', '..', '-', '🚀chat', 'a:b'])(
    'is rejected for the name %j, which makes no class name',
    (name) => {
      const rule = sseController({ name, sourceRoot: 'src' });
      const tree = new FakeTree();
      expect(() => rule(tree, new FakeContext())).toThrow(
        `"${name}" does not make a class name. Use letters, digits and dashes, with a letter first.`,
      );
    },
  );

  it('is rejected for a project that does not exist', () => {
    const files = {
      'src/app.module.ts': ESM_MODULE,
      'nest-cli.json': JSON.stringify({ projects: { shop: {}, api: {} } }),
    };
    expect(() => controller({ name: 'chat', project: 'typo' }, files)).toThrow(
      'There is no project "typo" in nest-cli.json. Its projects are "shop" and "api".',
    );
    expect(controller({ name: 'chat', project: 'api' }, files).touched).toHaveLength(3);
    expect(() =>
      controller({ name: 'chat', project: 'toString' }, { ...files, 'nest-cli.json': '{}' }),
    ).toThrow('There is no project "toString" in nest-cli.json. It has no projects: leave out --project.');
    // Without the file there is nothing to compare the name with.
    expect(
      controller({ name: 'chat', project: 'typo' }, { 'src/app.module.ts': ESM_MODULE }).touched,
    ).toHaveLength(3);
  });

  it('is rejected in a JavaScript project', () => {
    expect(() => controller({ name: 'chat', language: 'js' })).toThrow(
      'Nothing was written: the language of the project is "js", and this generator writes only TypeScript. Set "language" to "ts" in nest-cli.json, or write the files by hand.',
    );
  });
});

describe('the nearest module', () => {
  it('gets the controller, in the style of its own imports', () => {
    expect(controller({ name: 'order-log' }).tree.text('src/app.module.ts')).toBe(
      ESM_MODULE.replace('  providers', '  controllers: [OrderLogController],\n  providers').replace(
        "service.js';\n",
        "service.js';\nimport { OrderLogController } from './order-log/order-log.controller.js';\n",
      ),
    );
    expect(
      controller({ name: 'chat' }, { 'src/app.module.ts': CJS_MODULE }).tree.text('src/app.module.ts'),
    ).toContain("import { ChatController } from './chat/chat.controller';\n");
  });

  it('gets the channel among its providers', () => {
    expect(channel({ name: 'orders' }).tree.text('src/app.module.ts')).toContain(
      '  providers: [AppService, OrdersChannel],\n',
    );
  });

  it('is the one in the folder, or in the first folder above it that has one', () => {
    const files = {
      'src/app.module.ts': ESM_MODULE,
      'src/chat/chat.module.ts': BARE_MODULE,
      'src/chats/chats.module.ts': BARE_MODULE,
    };
    expect(controller({ name: 'chat' }, files).touched).toContain('src/chat/chat.module.ts');
    expect(controller({ name: 'chat/deep/er' }, files).tree.text('src/chat/chat.module.ts')).toBe(
      `import { Module } from '@nestjs/common';
import { ErController } from './deep/er/er.controller';

@Module({
  controllers: [ErController],
})
export class ChatModule {}
`,
    );
    expect(controller({ name: 'other' }, files).touched).toContain('src/app.module.ts');
  });

  it('decides the endings of imports only if it imports by path; if not, package.json does', () => {
    const files = { 'src/chat/chat.module.ts': BARE_MODULE, 'package.json': '{ "type": "module" }' };
    const { tree } = controller({ name: 'chat' }, files);
    expect(tree.text('src/chat/chat.module.ts')).toContain(
      "import { ChatController } from './chat.controller.js';",
    );
    expect(tree.text('src/chat/chat.controller.spec.ts')).toContain("from './chat.controller.js';");
  });

  it('is the one of the folder, of the element or of the application if there are several', () => {
    const beside = { 'src/app-routing.module.ts': BARE_MODULE, 'src/admin.module.ts': BARE_MODULE };
    const files = { 'src/app.module.ts': BARE_MODULE, 'src/order-log.module.ts': BARE_MODULE, ...beside };
    expect(controller({ name: 'chat' }, files).touched).toContain('src/app.module.ts');
    expect(controller({ name: 'order-log', flat: true }, files).touched).toContain('src/order-log.module.ts');
    const folder = {
      'src/chat/a.module.ts': BARE_MODULE,
      'src/chat/chat.module.ts': BARE_MODULE,
      'src/chat/app.module.ts': BARE_MODULE,
    };
    expect(controller({ name: 'chat' }, folder).touched).toContain('src/chat/chat.module.ts');
    expect(controller({ name: 'chat/deep' }, folder).touched).toContain('src/chat/chat.module.ts');
    expect(controller({ name: 'chat' }, beside).touched).toContain('src/admin.module.ts');
  });

  it('is not taken for the endings of imports if it imports only data by path', () => {
    const files = {
      'src/app.module.ts': `import data from './data.json';\n${BARE_MODULE}`,
      'package.json': '\uFEFF{ "type": "module" }',
    };
    expect(controller({ name: 'chat' }, files).tree.text('src/app.module.ts')).toContain(
      "import { ChatController } from './chat/chat.controller.js';",
    );
  });

  it('leaves the endings of imports to the nearest package.json', () => {
    const files = {
      'apps/api/src/app.module.ts': BARE_MODULE,
      'apps/api/package.json': '{ "type": "module" }',
      'package.json': '{}',
    };
    expect(
      controller({ name: 'chat', sourceRoot: 'apps/api/src' }, files).tree.text('apps/api/src/app.module.ts'),
    ).toContain("from './chat/chat.controller.js'");
  });

  it('is left unchanged if the name has another meaning in it, and the lines to add have another name', () => {
    const source = CJS_MODULE.replace(
      "'./app.service';",
      "'./app.service';\nimport { ChatController } from './support/chat.controller';",
    );
    const { touched, warnings } = controller({ name: 'chat' }, { 'src/app.module.ts': source });
    expect(touched).toEqual(['src/chat/chat.controller.spec.ts', 'src/chat/chat.controller.ts']);
    expect(warnings).toEqual([
      `src/app.module.ts was left as it is: it imports ChatController from './support/chat.controller'. Add these two lines by hand:
  import { ChatController as SseChatController } from './chat/chat.controller';
  controllers: [SseChatController],   // in @Module()`,
    ]);
  });

  it('is left unchanged for a class whose name has dollars, with the lines to add', () => {
    const files = { 'src/app.module.ts': `class $$aController {}\n${BARE_MODULE}` };
    expect(controller({ name: '$$a' }, files).warnings).toEqual([
      `src/app.module.ts was left as it is: it uses the name $$aController for something else. Add these two lines by hand:
  import { $$aController as Sse$$aController } from './$$a/$$a.controller';
  controllers: [Sse$$aController],   // in @Module()`,
    ]);
  });

  it('is left alone with skipImport', () => {
    expect(controller({ name: 'chat', skipImport: true }).touched).not.toContain('src/app.module.ts');
  });

  it('is left unchanged if its shape is not recognized, and the lines to add are printed', () => {
    const { touched, warnings } = controller(
      { name: 'chat' },
      { 'src/app.module.ts': '@Module(m) class M {}' },
    );
    expect(touched).toEqual(['src/chat/chat.controller.spec.ts', 'src/chat/chat.controller.ts']);
    expect(warnings).toEqual([
      `src/app.module.ts was left as it is: the argument of its @Module() is not an object literal. Add these two lines by hand:
  import { ChatController } from './chat/chat.controller';
  controllers: [ChatController],   // in @Module()`,
    ]);
  });

  it('is asked for if it is missing', () => {
    expect(controller({ name: 'chat' }, {}).warnings).toEqual([
      'No module was found for ChatController: add it to the controllers of one.',
    ]);
  });

  it('is the one named like its file if the file has several', () => {
    const source = `${BARE_MODULE}@Module({})\nexport class OtherModule {}\n`;
    const { tree } = controller({ name: 'chat' }, { 'src/chat/chat.module.ts': source });
    expect(tree.text('src/chat/chat.module.ts')).toContain(
      '  controllers: [ChatController],\n})\nexport class ChatModule',
    );
  });

  it('is not changed when it has the class already', () => {
    const files = { 'src/app.module.ts': '@Module({ controllers: [ChatController] }) class M {}' };
    const { touched, infos } = controller({ name: 'chat' }, files);
    expect(touched).not.toContain('src/app.module.ts');
    expect(infos).toEqual(['src/app.module.ts has ChatController already; it was left as it is.']);
  });
});

describe('the generated code', () => {
  const generated = [
    ...TYPES.map((type): [string, string, Rule] => [
      `a ${type} controller`,
      'controller',
      sseController({ name: 'order-log', sourceRoot: 'src', type }),
    ]),
    ['a channel', 'channel', sseChannel({ name: 'order-log', sourceRoot: 'src' })] as [string, string, Rule],
  ];

  it.each(generated)(
    'of %s is TypeScript, laid out as the formatter of a new Nest project does',
    async (_what, kind, rule) => {
      const { tree } = run(rule, { 'src/app.module.ts': ESM_MODULE });
      for (const file of [`order-log.${kind}.ts`, `order-log.${kind}.spec.ts`]) {
        const source = tree.text(`src/order-log/${file}`);
        const { diagnostics } = ts.transpileModule(source, {
          reportDiagnostics: true,
          compilerOptions: {
            target: ts.ScriptTarget.ES2023,
            experimentalDecorators: true,
            isolatedModules: true,
          },
        });
        expect(diagnostics?.map(({ messageText }) => messageText)).toEqual([]);
        const style = { parser: 'typescript', singleQuote: true, trailingComma: 'all' } as const;
        expect(await prettier.format(source, style)).toBe(source);
      }
    },
  );

  it.each([1, 11, 12, 28, 31, 36, 41, 50, 60, 70])(
    'is laid out like that also with a name of %i letters',
    async (length) => {
      const name = 'order-log-'.repeat(length).slice(0, length).replace(/-$/, 'x');
      for (const rule of [
        ...TYPES.map((type) => sseController({ name, type })),
        sseChannel({ name, sourceRoot: 'src' }),
      ]) {
        const { tree, touched } = run(rule, {});
        for (const file of touched) {
          const style = { parser: 'typescript', singleQuote: true, trailingComma: 'all' } as const;
          expect(await prettier.format(tree.text(file), style)).toBe(tree.text(file));
        }
      }
    },
  );

  it('is a generator when no type is given', () => {
    const generator = controller({ name: 'chat', type: 'generator' }).tree.text(
      'src/chat/chat.controller.ts',
    );
    expect(controller({ name: 'chat' }).tree.text('src/chat/chat.controller.ts')).toBe(generator);
    expect(generator).toContain("@Controller('chat')");
    expect(generator).toContain('async *events(@SseSignal() signal: AbortSignal)');
  });
});
