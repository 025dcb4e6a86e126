import { Controller, Inject } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { Channels, LastEventId, memoryLog, retryAfter, Sse } from 'nestjs-event-stream';
import { closeApps, eachAdapter, makeApp } from '../e2e/adapters.js';
import { READERS, servePage, Tab } from './browser.js';
import { PlainBrowser } from './plain-browser.js';

/** Chromium freezes a page in the background for this long, and longer. */
const FROZEN_MS = 60_000;
/** More than the sockets between the server and the page take. */
const MANY = 50;
const LONG = 100_000;

@Controller()
class News {
  constructor(@Inject(Channels) private readonly channels: Channels) {}

  // Limits that the frozen page exceeds: it sees heartbeats that pile up, and the server sees a client that stalls.
  @Sse('news', { heartbeat: 1000, overflow: { maxBytes: 500_000 }, stallMs: 10_000 })
  async *news(@LastEventId() after?: string) {
    yield retryAfter(100);
    yield* this.channels.channel<string>('news').subscribe({ after });
  }
}

describe('a page that is frozen for a minute', () => {
  let browser: PlainBrowser;
  let app: INestApplication;
  beforeAll(async () => {
    browser = await PlainBrowser.start();
  });
  afterAll(() => browser.close());
  afterEach(() => closeApps());

  eachAdapter((adapter) => {
    it('gets what it missed', async () => {
      app = await makeApp(adapter, {
        controllers: [News],
        sse: { log: memoryLog({ maxBytes: 100 * MANY * LONG }) },
        setUp: (made) => void made.use(servePage),
      });
      const url = await app.getUrl();
      const tab = await Tab.open(browser.context, url);
      for (const reader of READERS) {
        // Chromium can leave a response of `fetch` silent after the page was frozen.
        await tab.follow(reader, reader, `${url}/news`, { inactivityMs: 5000 });
        await tab.until(reader, ({ opens }) => opens === 1);
      }
      const news = app.get(Channels).channel<string>('news');
      let published = 0;
      const publish = async (count: number, length: number): Promise<void> => {
        for (let i = 0; i < count; i++) await news.publish(String(++published).padEnd(length));
      };
      await publish(5, 0);
      for (const reader of READERS) await tab.until(reader, ({ events }) => events.length === 5);

      await tab.page.evaluate(() => {
        for (const type of ['freeze', 'resume']) {
          document.addEventListener(type, () => Object.assign(globalThis, { life: type }));
        }
      });
      const life = (): Promise<unknown> => tab.page.evaluate(() => (globalThis as { life?: string }).life);
      const devtools = await browser.context.newCDPSession(tab.page);
      await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
      expect(await life()).toBe('freeze');
      await publish(MANY, LONG);
      await new Promise((resolve) => setTimeout(resolve, FROZEN_MS));
      await publish(MANY, 0);
      await devtools.send('Page.setWebLifecycleState', { state: 'active' });
      expect(await life()).toBe('resume');

      for (const reader of READERS) {
        const { events } = await tab.until(reader, (followed) => followed.events.length >= published);
        expect(events.map(({ data }) => Number(data))).toEqual(
          Array.from({ length: published }, (_, i) => i + 1),
        );
      }
      await tab.page.close();
    }, 300_000);
  });
});
