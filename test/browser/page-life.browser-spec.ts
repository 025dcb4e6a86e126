import { Controller, Inject } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import type { Browser, BrowserContext } from 'playwright-core';
import { Channels, LastEventId, retryAfter, Sse, SseConnections } from 'nestjs-event-stream';
import { closeApps, eachAdapter, makeApp, until } from '../e2e/adapters.js';
import { launch, READERS, servePage, Tab } from './browser.js';

/** The server has this long to notice that a tab was closed. */
const FREE_AFTER_MS = 3000;
@Controller()
class News {
  constructor(@Inject(Channels) private readonly channels: Channels) {}

  @Sse('news', { heartbeat: 1000 })
  async *news(@LastEventId() after?: string) {
    yield retryAfter(100);
    yield* this.channels.channel<string>('news').subscribe({ after });
  }
}

const numbers = (to: number): string[] => Array.from({ length: to }, (_, i) => String(i + 1));

describe('the life of a page', () => {
  let browser: Browser;
  let context: BrowserContext;
  let app: INestApplication;
  let url: string;
  let tab: Tab;
  let published: number;
  beforeAll(async () => {
    // The driver switches the back/forward cache off, unless it is asked not to.
    browser = await launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  });
  afterAll(() => browser.close());

  const connections = (): SseConnections => app.get(SseConnections);
  async function publish(count: number): Promise<void> {
    const news = app.get(Channels).channel<string>('news');
    for (let i = 0; i < count; i++) await news.publish(String(++published));
  }
  /** Waits until all events have arrived, and checks that none is missing or doubled. */
  async function complete(name: string): Promise<void> {
    const { events } = await tab.until(name, (followed) => followed.events.length >= published);
    expect(events.map(({ data }) => data)).toEqual(numbers(published));
  }

  eachAdapter((adapter) => {
    beforeEach(async () => {
      published = 0;
      app = await makeApp(adapter, {
        controllers: [News],
        setUp: (made) => void made.use(servePage),
      });
      url = await app.getUrl();
      context = await browser.newContext();
      tab = await Tab.open(context, url);
      for (const reader of READERS) {
        await tab.follow(reader, reader, `${url}/news`);
        await tab.until(reader, ({ opens }) => opens === 1);
      }
      await publish(5);
      for (const reader of READERS) await complete(reader);
    });
    afterEach(async () => {
      await context.close();
      await closeApps();
    });

    it('a tab that is closed frees its connections within 3 s', async () => {
      expect(connections().count()).toBe(2);
      const closedAt = Date.now();
      await tab.page.close();
      await until(() => connections().count() === 0);
      expect(Date.now() - closedAt).toBeLessThan(FREE_AFTER_MS);
    });

    it('a page that was offline gets what it missed', async () => {
      await context.setOffline(true);
      // Chromium keeps open connections while it is offline, as a laptop does that loses its network.
      connections().closeWhere(() => true);
      await until(() => connections().count() === 0);
      await publish(5);
      const seen = await tab.data('EventSource');
      await context.setOffline(false);
      expect(seen).toHaveLength(5);
      for (const reader of READERS) await complete(reader);
    });

    /** Leaves the page, and returns to it. Fails if the browser loads it again. */
    async function awayAndBack(meanwhile: () => Promise<void>): Promise<void> {
      await tab.page.evaluate(() => {
        addEventListener('pageshow', ({ persisted }) => Object.assign(globalThis, { persisted }));
      });
      await tab.page.goto(`${url}/page?another`);
      await meanwhile();
      // A page from the cache does not load, so there is no `load` event to wait for.
      await tab.page.goBack({ waitUntil: 'commit' });
      await tab.page.waitForFunction(() => (globalThis as { persisted?: boolean }).persisted);
    }

    it('a page that returns from the back/forward cache gets what it missed', async () => {
      await awayAndBack(() => publish(20));
      for (const reader of READERS) await complete(reader);
      await publish(5);
      for (const reader of READERS) await complete(reader);
    });

    it('a page whose stream ends while it is in the back/forward cache resumes', async () => {
      await awayAndBack(async () => {
        connections().closeWhere(() => true);
        await until(() => connections().count() === 0);
        await publish(20);
      });
      for (const reader of READERS) await complete(reader);
    });
  });
});
