import type { INestApplication } from '@nestjs/common';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { SseConnections } from 'nestjs-event-stream';
import { launch } from './browser.js';

// Read by the routes of the demo when their classes load.
process.env['DEMO_SPEED'] = '2';
const { createDemo } = await import('../../demo/create-app.js');

/** Shorter than the time of a test, so that a test that fails says what the page shows. */
const PATIENCE_MS = 20_000;
/** The messages that a browser prints by itself for a response that the page provokes on purpose. */
const PROVOKED = /^Failed to load resource/;

/** The demo in a browser. Each case of the suite has a context of its own, in which the page is open. */
export class Demo {
  page!: Page;
  context!: BrowserContext;
  url = '';
  private readonly messages: string[] = [];
  private app!: INestApplication;
  private browser!: Browser;

  /** Starts the demo before the cases of this suite, and fails a case in which the page writes to the console. */
  static inThisSuite(): Demo {
    const demo = new Demo();
    beforeAll(async () => {
      demo.browser = await launch();
      demo.app = await createDemo('express', { logger: false });
      await demo.app.listen(0, '127.0.0.1');
      demo.url = await demo.app.getUrl();
    });
    afterAll(async () => {
      await demo.browser.close();
      await demo.app.close();
    });
    beforeEach(() => demo.reopen({ permissions: ['clipboard-read', 'clipboard-write'] }));
    afterEach(async () => {
      await demo.context.close();
      expect(demo.messages.splice(0).filter((message) => !PROVOKED.test(message))).toEqual([]);
    });
    return demo;
  }

  /** Opens the page in a new context. */
  async reopen(options: BrowserContextOptions): Promise<void> {
    await (this.context as BrowserContext | undefined)?.close();
    this.context = await this.browser.newContext(options);
    this.page = await this.open();
  }

  /** Opens one more page in the context. */
  async open(path = '/'): Promise<Page> {
    const opened = await this.context.newPage();
    opened.on('console', (message) => this.messages.push(message.text()));
    opened.on('pageerror', (error) => this.messages.push(String(error.stack)));
    await opened.goto(this.url + path);
    return opened;
  }

  /** Waits until the server knows that the clients of a route have left. Until then the next one may be one too many. */
  async leaves(route: string): Promise<void> {
    const connections = this.app.get(SseConnections);
    const isOpen = () => connections.list().some((connection) => connection.route.includes(route));
    while (isOpen()) await this.page.waitForTimeout(20);
  }

  press(id: string): Promise<void> {
    return this.page.getByTestId(id).click();
  }

  /** Waits until the text of an element matches, and returns the text. */
  async shown(id: string, expected: RegExp, on = this.page): Promise<string> {
    const element = on.getByTestId(id);
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const text = ((await element.textContent()) ?? '').replaceAll(/\s+/g, ' ').trim();
      if (expected.test(text)) return text;
      if (Date.now() > deadline) throw new Error(`${id} shows "${text}", which does not match ${expected}.`);
      await on.waitForTimeout(50);
    }
  }
}

/** Runs in the page. Makes every move of the game at once, where the page would think about it for half a second. */
export function playFast(): void {
  const section = document.querySelector('[data-testid=board]')!;
  const move = (): void => {
    const button = section.querySelector<HTMLButtonElement>('[data-moves] button');
    button?.click();
    // A second click would be a second move.
    if (button) button.disabled = true;
  };
  new MutationObserver(move).observe(section, { childList: true, subtree: true });
  move();
}
