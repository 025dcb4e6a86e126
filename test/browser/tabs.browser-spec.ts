import { Controller, Inject } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { readFileSync } from 'node:fs';
import type { Browser, BrowserContext } from 'playwright-core';
import { Channels, Sse, SseConnections } from 'nestjs-event-stream';
import { closeApps, eachAdapter, makeApp, until, type AdapterName } from '../e2e/adapters.js';
import { launch, READERS, Tab } from './browser.js';

const TABS = 7;
/** The number of connections that browsers open to one origin over HTTP/1.1. */
const OF_ONE_ORIGIN = 6;

@Controller()
class News {
  constructor(@Inject(Channels) private readonly channels: Channels) {}

  @Sse('news')
  news() {
    return this.channels.channel<string>('news').subscribe();
  }
}

const tls = {
  key: readFileSync('test/fixtures/tls/key.pem'),
  cert: readFileSync('test/fixtures/tls/cert.pem'),
};

describe('seven tabs', () => {
  let browser: Browser;
  let context: BrowserContext;
  let app: INestApplication;
  let tabs: Tab[];
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    await context.close();
    await closeApps();
  });

  /** Opens the tabs, each with a stream that the readers of the library and of the browser follow in turn. */
  async function openTabs(adapter: AdapterName, platform?: object): Promise<string> {
    app = await makeApp(adapter, { controllers: [News], ...(platform && { platform }) });
    const url = (await app.getUrl()).replace('http:', platform ? 'https:' : 'http:');
    context = await browser.newContext({ ignoreHTTPSErrors: true });
    tabs = [];
    for (let i = 0; i < TABS; i++) tabs.push(await Tab.open(context, url));
    for (const [i, tab] of tabs.entries()) {
      await tab.follow('news', READERS[i % 2]!, `${url}/news`);
      if (i < OF_ONE_ORIGIN) await tab.until('news', ({ opens }) => opens === 1);
    }
    return url;
  }

  const count = (): number => app.get(SseConnections).count();
  const publish = (text: string): Promise<unknown> => app.get(Channels).channel<string>('news').publish(text);

  eachAdapter((adapter) => {
    it('over HTTP/1.1: six have a stream, and the seventh gets one when another tab closes', async () => {
      await openTabs(adapter);
      const seventh = tabs[TABS - 1]!;
      await publish('first');
      for (const tab of tabs.slice(0, OF_ONE_ORIGIN))
        await tab.until('news', ({ events }) => events.length === 1);
      expect(count()).toBe(OF_ONE_ORIGIN);
      expect(await seventh.followed('news')).toMatchObject({ opens: 0, events: [] });
      await tabs[0]?.page.close();
      await seventh.until('news', ({ opens }) => opens === 1);
      await publish('second');
      await seventh.until('news', ({ events }) => events.length === 1);
      expect(await seventh.data('news')).toEqual(['second']);
      for (const tab of tabs.slice(1, OF_ONE_ORIGIN)) {
        await tab.until('news', ({ events }) => events.length === 2);
        expect(await tab.data('news')).toEqual(['first', 'second']);
      }
    });
  });

  it('over HTTP/2 with TLS: all have a stream, on one TCP connection', async () => {
    await openTabs('fastify', new FastifyAdapter({ http2: true, https: tls } as never));
    await tabs[TABS - 1]?.until('news', ({ opens }) => opens === 1);
    expect(count()).toBe(TABS);
    const sockets = await new Promise((resolve) =>
      app.getHttpServer().getConnections((_error: unknown, sockets: number) => resolve(sockets)),
    );
    expect(sockets).toBe(1);
    for (let i = 1; i <= 50; i++) await publish(String(i));
    for (const tab of tabs) {
      await tab.until('news', ({ events }) => events.length === 50);
      expect(await tab.data('news')).toEqual(Array.from({ length: 50 }, (_, i) => String(i + 1)));
    }
    await tabs[0]?.page.close();
    await until(() => count() === TABS - 1);
  });
});
