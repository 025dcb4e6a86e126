import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { asset } from '../assets.js';

/** A file of the page, ready to be sent. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
}

const INCLUDE = /<!-- include ([\w-]+) -->/g;
const BEHIND = /<!-- behind ([\w-]+): (.+?) -->/g;

/** The files of the page, built when they are first needed. */
@Injectable()
export class PageFiles {
  #built: Promise<ReadonlyMap<string, PageFile>> | undefined;

  /** Finds a file by its name. The first call builds all of them. */
  async find(name: string): Promise<PageFile | undefined> {
    this.#built ??= buildPage();
    return (await this.#built).get(name);
  }
}

/**
 * Builds the page: `index.html` from its parts, and one script and one style sheet from their modules. The script
 * contains the client of the library, from its sources, so the page always runs the client of this checkout.
 */
async function buildPage(): Promise<ReadonlyMap<string, PageFile>> {
  const { build, stop } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: { page: asset('pages/js/page.js'), style: asset('pages/css/style.css') },
    outdir: asset('pages'),
    alias: {
      'nestjs-event-stream/client': source('client'),
      'nestjs-event-stream/events': source('events'),
    },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    write: false,
  });
  // Otherwise the process of esbuild would stay.
  await stop();
  const files = new Map<string, PageFile>([
    ['index.html', { type: 'text/html; charset=utf-8', bytes: Buffer.from(await html()) }],
    ['icon.svg', { type: 'image/svg+xml', bytes: await readFile(asset('pages/icon.svg')) }],
  ]);
  for (const { path, contents } of outputFiles) {
    const isScript = path.endsWith('.js');
    const type = isScript ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8';
    files.set(isScript ? 'page.js' : 'style.css', { type, bytes: Buffer.from(contents) });
  }
  return files;
}

/** The source of an entry point of the library. */
function source(entry: string): string {
  return join(realpathSync(asset('.')), '..', 'src', entry, 'index.ts');
}

async function html(): Promise<string> {
  const part = (name: string) => readFile(asset(`pages/html/${name}.html`), 'utf8');
  const names = [...(await part('index')).matchAll(INCLUDE)].map(([, name]) => name as string);
  const parts = new Map(await Promise.all(names.map(async (name) => [name, await part(name)] as const)));
  const behind = await part('behind');
  return (await part('index'))
    .replace(INCLUDE, (_, name: string) => parts.get(name) ?? '')
    .replace(BEHIND, (_, name: string, curl: string) =>
      behind.replaceAll('NAME', name).replaceAll('CURL', curl.replaceAll(' // ', '\n')),
    );
}
