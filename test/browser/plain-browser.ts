import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from 'playwright-core';
import { CHROMIUM } from './browser.js';

/**
 * A browser without the overrides of the driver. They keep every page visible, and a visible page cannot be frozen.
 */
export class PlainBrowser {
  private constructor(
    readonly context: BrowserContext,
    private readonly process: ChildProcess,
    private readonly profile: string,
  ) {}

  static async start(): Promise<PlainBrowser> {
    const profile = mkdtempSync(join(tmpdir(), 'sse-chromium-'));
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
    const child = spawn(CHROMIUM, [...args, '--remote-debugging-port=0', `--user-data-dir=${profile}`]);
    const address = await new Promise<string>((resolve, reject) => {
      let output = '';
      child.once('exit', () => reject(new Error(`Chromium has ended: ${output}`)));
      child.stderr.on('data', (text: Buffer) => {
        output += text.toString();
        const found = /listening on (ws:\S+)/.exec(output);
        if (found?.[1]) resolve(found[1]);
      });
    });
    const browser = await chromium.connectOverCDP(address, { noDefaults: true });
    return new PlainBrowser(browser.contexts()[0]!, child, profile);
  }

  async close(): Promise<void> {
    const exited = new Promise((resolve) => this.process.once('exit', resolve));
    await this.context.browser()?.close();
    this.process.kill();
    await exited;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
