import { Controller, Inject, Req } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Browser, BrowserContext } from 'playwright-core';
import { Channels, LastEventId, retryAfter, Sse, SseConnections } from 'nestjs-event-stream';
import { closeApps, eachAdapter, makeApp, until } from '../e2e/adapters.js';
import { launch, READERS, Tab } from './browser.js';

@Controller()
class Session {
  constructor(@Inject(Channels) private readonly channels: Channels) {}

  @Sse('session')
  async *session(@Req() { headers }: { headers: IncomingMessage['headers'] }, @LastEventId() after?: string) {
    yield retryAfter(100);
    if (!after) yield headers.cookie ?? 'no cookie';
    yield* this.channels.channel<string>('news').subscribe({ after });
  }
}

describe('a page of another origin', () => {
  let browser: Browser;
  let context: BrowserContext;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  eachAdapter((adapter) => {
    let app: INestApplication;
    let url: string;
    let origin: string;
    let tab: Tab;

    async function open(credentials: boolean): Promise<void> {
      const page = await makeApp(adapter, {});
      origin = await page.getUrl();
      app = await makeApp(adapter, {
        controllers: [Session],
        setUp: (made) => {
          if (credentials) made.enableCors({ origin, credentials });
        },
      });
      url = await app.getUrl();
      context = await browser.newContext();
      await context.addCookies([{ name: 'session', value: 'abc', url, sameSite: 'Lax' }]);
      tab = await Tab.open(context, origin);
    }
    afterEach(async () => {
      await context.close();
      await closeApps();
    });

    it.each(READERS)('%s sends cookies only with credentials, and resumes', async (reader) => {
      await open(true);
      await tab.follow('without', reader, `${url}/session`, {});
      await tab.until('without', ({ events }) => events.length === 1);
      expect(await tab.data('without')).toEqual(['no cookie']);

      await tab.follow('with', reader, `${url}/session`, { withCredentials: true });
      await tab.until('with', ({ events }) => events.length === 1);
      expect(await tab.data('with')).toEqual(['session=abc']);

      const connections = app.get(SseConnections);
      const news = app.get(Channels).channel<string>('news');
      await news.publish('1');
      await tab.until('with', ({ events }) => events.length === 2);
      connections.closeWhere(() => true);
      await news.publish('2');
      await tab.until('with', ({ events }) => events.length === 3);
      expect(await tab.data('with')).toEqual(['session=abc', '1', '2']);
    });

    it('gets nothing of a stream that does not allow its origin', async () => {
      await open(false);
      await tab.follow('stock', 'EventSource', `${url}/session`);
      await tab.until('stock', ({ closed }) => closed);
      expect(await tab.followed('stock')).toMatchObject({ opens: 0, events: [] });
      await until(() => app.get(SseConnections).count() === 0);
    });
  });
});
