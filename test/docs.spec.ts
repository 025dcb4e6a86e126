import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { promisify } from 'node:util';
import { connect } from 'nestjs-event-stream/client';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp } from './e2e/adapters.js';
import { HelloController } from './fixtures/readme/hello.controller.js';

const ROOT = join(import.meta.dirname, '..');
const PAGES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

interface Snippet {
  page: string;
  language: string;
  code: string;
  /** The file that a comment before the snippet says it is. */
  file: string | undefined;
}

function snippets(page: string): Snippet[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const fence = /(?:<!-- (\S+) -->\s*)?^```(\w+)[^\n]*\n([\s\S]*?)^```$/gm;
  return [...text.matchAll(fence)].map(([, file, language = '', code = '']) => ({
    page,
    language,
    code,
    file,
  }));
}

const ALL = PAGES.flatMap(snippets);

/** The links of a page besides its own sections and other hosts, as paths from the root of the package. */
function relativeLinks(page: string): { page: string; path: string }[] {
  const text = readFileSync(join(ROOT, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  const targets = text.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm);
  return [...targets]
    .map(([, inline, defined]) => (inline ?? defined ?? '').replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    .map((target) => ({ page, path: posix.join(posix.dirname(page), target) }));
}

/** The pictures of a page, as paths from the root of the repository. */
function pictures(page: string): string[] {
  const targets = readFileSync(join(ROOT, page), 'utf8').matchAll(/<(?:img src|source .*srcset)="([^"]+)"/g);
  return [...targets].map(([, target = '']) => posix.join(posix.dirname(page), target));
}

describe('the documentation', () => {
  it('has TypeScript in it that compiles', async () => {
    const folder = mkdtempSync(join(ROOT, '.tmp-docs-'));
    try {
      const numbers = new Map<string, number>();
      // A snippet that names its file is compiled there, beside the files that it imports.
      const anonymous = ALL.filter(({ language, file }) => language === 'ts' && file === undefined);
      for (const { page, code } of anonymous) {
        const number = (numbers.get(page) ?? 0) + 1;
        numbers.set(page, number);
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, `${basename(page, '.md')}.${number}.ts`), `${code}\nexport {};\n`);
      }
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({
          extends: '../tsconfig.json',
          compilerOptions: {
            paths: {
              'nestjs-event-stream': ['../src/index.ts'],
              'nestjs-event-stream/*': ['../src/*/index.ts'],
            },
          },
          include: ['*.ts'],
        }),
      );
      const tsc = join(ROOT, 'node_modules/typescript7/bin/tsc');
      const result = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch(
        (error: { stdout: string }) => error,
      );
      expect(result.stdout).toBe('');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it('lists every error code as the source has it', async () => {
    const check = promisify(execFile)(process.execPath, ['scripts/error-codes.mjs', '--check'], {
      cwd: ROOT,
    });
    await expect(check).resolves.toMatchObject({ stderr: '' });
  });

  it('shows the code that is run here', () => {
    const named = ALL.filter(({ file }) => file !== undefined);
    expect(named.length).toBeGreaterThan(0);
    for (const { file, code } of named) expect(code).toBe(readFileSync(join(ROOT, file ?? ''), 'utf8'));
  });

  it('links to files that are in the package', () => {
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
        cwd: ROOT,
        encoding: 'utf8',
      }),
    ) as [{ files: { path: string }[] }];
    const shipped = packed.files.map(({ path }) => path);
    const linked = PAGES.flatMap(relativeLinks);
    expect(linked.length).toBeGreaterThan(PAGES.length);
    expect(linked.filter(({ path }) => !shipped.includes(path))).toEqual([]);
  });

  it('shows every picture, and only those that are there', () => {
    // Pictures are in the repository only. They would triple the size of the package.
    const folder = 'docs/images';
    const made = readdirSync(join(ROOT, folder), { encoding: 'utf8', recursive: true })
      .filter((name) => name.includes('.'))
      .map((name) => posix.join(folder, name));
    expect(made.length).toBeGreaterThan(0);
    expect([...new Set(PAGES.flatMap(pictures))].sort()).toEqual(made.sort());
  });
});

eachAdapter((adapter) => {
  afterEach(closeApps);

  it('the first example sends what the README shows', async () => {
    const shown = ALL.find(({ language, code }) => language === 'console' && code.includes('/hello/Ada'));
    const app = await makeApp(adapter, { controllers: [HelloController] });
    const stream = await openStream(app, '/hello/Ada');
    expect(await stream.end()).toBe('ended');
    expect(shown?.code.split('\n').slice(1).join('\n')).toBe(stream.raw());
  });

  it('the first client reads it', async () => {
    const app = await makeApp(adapter, { controllers: [HelloController] });
    const greetings: unknown[] = [];
    for await (const event of connect(`${await app.getUrl()}/hello/Ada`)) greetings.push(event.json());
    expect(greetings).toEqual(['Hello', 'Bonjour', '你好'].map((greeting) => ({ greeting, name: 'Ada' })));
  });
});
