import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build, stop } from 'esbuild';
import { chromium, type Browser, type BrowserContext, type LaunchOptions, type Page } from 'playwright-core';
import type { Followed, FollowOptions, Reader } from './page/follow.js';

export const READERS: readonly Reader[] = ['EventSource', 'connect'];

/** The program of the browser. */
export const CHROMIUM = process.env.CHROMIUM_PATH || '/usr/bin/chromium';

/** The longest wait for something that must happen. */
const PATIENCE_MS = 30_000;

/** Starts the browser. The suite closes it. */
export function launch(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage'],
    ...options,
  });
}

let script: Promise<string> | undefined;

/** The script of the test page, with the client of the library, bundled once for each suite. */
function pageScript(): Promise<string> {
  script ??= bundle(fileURLToPath(new URL('page/follow.ts', import.meta.url)));
  return script;
}

async function bundle(entryPoint: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    format: 'iife',
    target: 'es2022',
    write: false,
  });
  // Otherwise the process of esbuild would delay the end of the suite.
  await stop();
  return outputFiles[0]?.text ?? '';
}

/** Middleware that answers `/page` and `/page?…` with an empty page. Browsers keep only pages of status 200 in their cache. */
export function servePage({ url = '' }: IncomingMessage, response: ServerResponse, next: () => void): void {
  if (!/^\/page(?:\?|$)/.test(url)) return next();
  response.setHeader('Content-Type', 'text/html');
  response.end('<!doctype html><title>A page</title>');
}

/** A page of the browser that follows streams. */
export class Tab {
  private constructor(readonly page: Page) {}

  /** Opens a tab with a page of the origin of `url`. It can be an error page, because only its origin matters. */
  static async open(context: BrowserContext, url: string): Promise<Tab> {
    const page = await context.newPage();
    await page.addInitScript(await pageScript());
    await page.goto(`${url}/page`);
    return new Tab(page);
  }

  /** Begins to follow a stream under a name. */
  async follow(name: string, reader: Reader, url: string, options: FollowOptions = {}): Promise<void> {
    await this.page.evaluate(
      ([name, reader, url, options]) =>
        (globalThis as unknown as PageGlobals).follow(name, reader, url, options),
      [name, reader, url, options] as const,
    );
  }

  /** Returns the stream with this name, and its events. */
  followed(name: string): Promise<Followed> {
    return this.page.evaluate((name) => (globalThis as unknown as PageGlobals).followed[name]!, name);
  }

  /** The data of the events that have arrived under this name. */
  async data(name: string): Promise<string[]> {
    return (await this.followed(name)).events.map(({ data }) => data);
  }

  /** Waits until `holds` for the stream with this name. */
  async until(name: string, holds: (followed: Followed) => boolean): Promise<Followed> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const followed = await this.followed(name);
      if (holds(followed)) return followed;
      if (Date.now() > deadline) throw new Error(`${name} stays at ${describe(followed)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function describe({ events, ...rest }: Followed): string {
  return JSON.stringify({ ...rest, events: events.length, last: events.at(-1) });
}

interface PageGlobals {
  follow(name: string, reader: Reader, url: string, options: FollowOptions): void;
  followed: Record<string, Followed>;
}
