import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const node = (...args: string[]): Promise<{ stdout: string }> => run(process.execPath, args, { cwd: ROOT });

/** What a client sees of a route, whichever copy its decorator, its events and the module are of. */
const BODY =
  ':\nevent: t\nid: 1\ndata: {"aborted":false}\n\n: c\ndata: raw\n\n' +
  'data: {"connections":1,"route":"isSseRoute"}\n\n' +
  'event: error\ndata: {"statusCode":500,"error":"Internal Server Error","message":"Internal server error"}\n\n';
const ROUTE = { body: BODY, refused: 500 };

describe('the ES modules and the CommonJS of the package, in one process', () => {
  // Within the project, where its dependencies are found.
  const folder = mkdtempSync(join(ROOT, '.tmp-copies-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('work together: module, decorators, events, errors and tokens of the one and the other', async () => {
    const tsc = 'node_modules/typescript7/bin/tsc';
    mkdirSync(join(folder, 'cjs'));
    writeFileSync(join(folder, 'cjs/package.json'), '{ "type": "commonjs" }\n');
    await Promise.all([
      node(tsc, '-p', 'tsconfig.build.json', '--outDir', join(folder, 'esm')),
      node(tsc, '-p', 'tsconfig.cjs.json', '--outDir', join(folder, 'cjs')),
    ]);
    const { stdout } = await node('test/fixtures/two-copies.mjs', folder);
    expect(JSON.parse(stdout)).toEqual({
      distinct: true,
      esm: { esm: ROUTE, cjs: ROUTE },
      cjs: { esm: ROUTE, cjs: ROUTE },
      errors: [
        [true, true],
        [true, true],
      ],
    });
  });
});
