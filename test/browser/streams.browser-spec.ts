import { Controller, Inject } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Browser, BrowserContext } from 'playwright-core';
import { Channels, event, LastEventId, retryAfter, Sse, SseConnections } from 'nestjs-event-stream';
import { closeApps, eachAdapter, makeApp, until } from '../e2e/adapters.js';
import { launch, READERS, Tab } from './browser.js';

/** In this time, a browser that wants to reconnect has done so several times. */
const QUIET_MS = 10_000;

/** The requests for streams: path and last event ID. */
let requests: [path: string, lastEventId: string | undefined][] = [];

@Controller()
class Streams {
  constructor(@Inject(Channels) private readonly channels: Channels) {}

  @Sse('values')
  *values() {
    yield retryAfter(100);
    yield 'text';
    yield { an: 'object' };
    yield event({ type: 'named', id: '7', data: 'two\nlines' });
    yield event({ data: '' });
    yield 'last';
  }

  @Sse('channel', { complete: { event: 'over', data: 'bye' } })
  async *channel(@LastEventId() after?: string) {
    yield retryAfter(100);
    yield* this.channels.channel<string>('news').subscribe({ after });
  }
}

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

describe('streams in a browser', () => {
  let browser: Browser;
  let context: BrowserContext;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  eachAdapter((adapter) => {
    let app: INestApplication;
    let url: string;
    let tab: Tab;

    beforeEach(async () => {
      requests = [];
      app = await makeApp(adapter, {
        controllers: [Streams],
        setUp: (made) => {
          made.use((request: IncomingMessage, _response: unknown, next: () => void) => {
            requests.push([request.url ?? '', request.headers['last-event-id'] as string | undefined]);
            next();
          });
        },
      });
      url = await app.getUrl();
      context = await browser.newContext();
      tab = await Tab.open(context, url);
    });
    afterEach(async () => {
      await context.close();
      await closeApps();
    });

    it('reach both readers whole, end, and are not requested again', async () => {
      for (const reader of READERS) {
        await tab.follow(reader, reader, `${url}/values?${reader}`, { types: ['named'] });
      }
      const expected = [
        { type: 'message', data: 'text', id: '' },
        { type: 'message', data: '{"an":"object"}', id: '' },
        { type: 'named', data: 'two\nlines', id: '7' },
        { type: 'message', data: '', id: '7' },
        { type: 'message', data: 'last', id: '7' },
      ];
      for (const reader of READERS) {
        const { events } = await tab.until(reader, ({ closed }) => closed);
        expect([reader, events.filter(({ type }) => type !== '~end')]).toEqual([reader, expected]);
      }
      const made = requests.length;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      expect(requests).toHaveLength(made);
      // `EventSource` makes one more request, which gets 204. `connect()` needs no second one.
      expect(requests.filter(([path]) => path.endsWith('EventSource'))).toEqual([
        ['/values?EventSource', undefined],
        ['/values?EventSource', '~end'],
      ]);
      expect(requests.filter(([path]) => path.endsWith('connect'))).toEqual([['/values?connect', undefined]]);
    });

    it.each(READERS)(
      '%s resumes after each of several cuts, without a loss or a duplicate',
      async (reader) => {
        const connections = app.get(SseConnections);
        const news = app.get(Channels).channel<string>('news');
        await tab.follow('news', reader, `${url}/channel`, { types: ['over'] });
        for (let cut = 0; cut < 4; cut++) {
          await tab.until('news', ({ opens }) => opens === cut + 1);
          await until(() => connections.count() === 1);
          for (let i = 1; i <= 10; i++) await news.publish(`${cut * 20 + i}`);
          await tab.until('news', ({ events }) => events.length >= cut * 20 + 1);
          const [connection] = connections.list<IncomingMessage & { raw?: IncomingMessage }>();
          (connection?.request.raw ?? connection?.request)?.socket.destroy();
          for (let i = 11; i <= 20; i++) await news.publish(`${cut * 20 + i}`);
        }
        const { events } = await tab.until('news', (followed) => followed.events.length >= 80);
        expect(events.map(({ data }) => data)).toEqual(range(1, 80));
        // Each request after the first names the last event that the page had.
        const after = requests.filter(([path]) => path === '/channel').map(([, id]) => id);
        expect(after.slice(1).every((id) => events.some((event) => event.id === id))).toBe(true);
      },
    );
  });
});
