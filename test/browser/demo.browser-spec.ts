import type { BrowserContext, Page } from 'playwright-core';
import { Demo, playFast } from './demo-page.js';

describe('the page of the demo', () => {
  const demo = Demo.inThisSuite();
  let context: BrowserContext;
  let page: Page;
  let url: string;
  beforeEach(() => ({ context, page, url } = demo));

  const open = (path?: string) => demo.open(path);
  const press = (id: string) => demo.press(id);
  const shown = (id: string, expected: RegExp, on?: Page) => demo.shown(id, expected, on);
  const count = (selector: string) => page.locator(selector).count();

  it('starts a stream by itself, and shows its code, its bytes and the figures of the server', async () => {
    await shown('live-received', /[1-9]/);
    await shown('live-status', /^Four events per second/);
    await shown('live-code', /@Sse\('stream', \{ events: liveEvents \}\)/);
    await shown('live-wire', /event: pulse/);
    await shown('strip-open', /^[1-9]/);
    await press('live-copy');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`curl -N ${url}/live/stream`);
  });

  it('needs only the page and its style for the first paint, in 50 kB', async () => {
    const needed = await page.evaluate(() => {
      const resources = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
      const blocking = resources.filter((one) => Reflect.get(one, 'renderBlockingStatus') === 'blocking');
      const [document] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
      const bytes = [document!, ...blocking].map(({ decodedBodySize }) => decodedBodySize);
      return { paths: blocking.map(({ name }) => new URL(name).pathname), bytes };
    });
    expect(needed.paths).toEqual(['/pages/style.css']);
    expect(needed.bytes.reduce((sum, size) => sum + size)).toBeLessThan(50_000);
  });

  it('resumes after its connection was cut, with nothing missing and no duplicates', async () => {
    await shown('live-received', /^[1-9]/);
    await press('live-cut');
    expect(await shown('live-result', /^Resumed/)).toMatch(/Missing: 0\. Duplicates: 0\.$/);
    expect(await count('.pulse .late')).toBeGreaterThan(0);
    await shown('live-wire', /Last-Event-ID: \S+/);
  });

  it('reaches the limit of a route', async () => {
    await press('limit-start');
    await shown('limit-result', /A new request gets 200/);
    await shown('limit-requests', /Stream 1: 200Stream 2: 200Stream 3: 429.*the limit is 2/);
  });

  it('ends a stream, and the browser does not reconnect', async () => {
    await press('finish-start');
    expect(await shown('finish-result', /It does not reconnect/)).toMatch(
      /^Requests of the browser within 10 s: 2\./,
    );
  });

  it('shows a message of a second tab', async () => {
    const second = await open();
    await second.getByTestId('notice-text').fill('From the second tab');
    await second.getByTestId('notice-send').click();
    await shown('notice-list', /From the second tab/);
    await shown('notice-list', /From the second tab/, second);
  });

  it('makes one reader slow, and the other one stays up to date', async () => {
    await press('slow-start');
    await shown('slow-me', /^\d+ events, [1-9]\d+ behind, 0 missed$/);
    await shown('slow-other', /^[1-9]\d+ events, 0 missed$/);
    await shown('slow-waiting', /^\d.* [KM]?B$/);
    await press('slow-stop');
    // Waits until the button can be pressed again.
    await page.getByTestId('slow-start').click({ trial: true });
  });

  it('follows an upload in two panes, and offers the file', async () => {
    await press('upload-start');
    await shown('upload-percent-first', /^[1-9]/);
    await shown('upload-percent-second', /^[1-9]/);
    await shown('upload-status', /complete/);
    await shown('upload-percent-second', /^100/);
    expect(await page.getByTestId('upload-download').getAttribute('href')).toMatch(/^\/api\/download\/page-/);
  });

  it('follows, searches and pauses a log', async () => {
    await press('log-start');
    await shown('log-lines', /#\d+.*#\d+/);
    await page.getByTestId('log-search').fill('no such text');
    expect(await count('[data-testid=log-lines] li:visible')).toBe(0);
    await page.getByTestId('log-search').fill('');
    await press('log-pause');
    await shown('log-pause', /^Continue \(\d+ new\)$/);
    await shown('log-status', /^Paused/);
    await press('log-pause');
    await shown('log-pause', /^Pause$/);
    await shown('log-status', /^Following/);
    await press('log-stop');
    await shown('log-status', /^Stopped$/);
  });

  it('shows prescriptions to one reader, and rejects a second one', async () => {
    await press('prescriptions-start');
    await shown('prescriptions-accuracy', /^\d+\.\d %$/);
    await press('prescriptions-second');
    await shown('prescriptions-result', /^The second reader gets 400/);
    await press('prescriptions-stop');
    await shown('prescriptions-status', /^Stopped$/);
    await demo.leaves('/stream/result');
    await press('prescriptions-again');
    await shown('prescriptions-status', /^You are the only reader/);
    await press('prescriptions-finish');
    await shown('prescriptions-status', /finished/);
    expect(await count('[data-testid=prescriptions-table] tbody tr')).toBeGreaterThan(0);
  });

  it('runs a streaming and a historical query, and shows why one is rejected', async () => {
    await press('sql-start');
    await shown('sql-table', /in_use bool\s*speed float32/);
    await shown('sql-count', /^[1-9]/);
    expect(await count('[data-testid=sql-chart] canvas')).toBe(1);
    await press('sql-stop');
    await shown('sql-status', /^Stopped$/);
    await page.getByTestId('sql-example').selectOption({ index: 3 });
    await press('sql-start');
    await shown('sql-status', /^The query has finished$/);
    await page.getByTestId('sql-example').selectOption({ index: 4 });
    await press('sql-start');
    await shown('sql-status', /^The server answered 400: .*pressure/);
  });

  it('plays a game in two windows to its end', async () => {
    await press('board-start');
    await shown('board-window-1', /You rolled/);
    await shown('board-window-2', /Red is thinking/);
    const auto = page.getByTestId('board-auto');
    await auto.check();
    await shown('board-window-2', /You rolled/);
    await auto.uncheck();
    await page.evaluate(playFast);
    await shown('board-status', /^The game is over/);
    await shown('board-window-1', /has won/);
    await shown('board-window-2', /has won/);
    await shown('board-requests', /^2$/);
  });

  it('reads the smallest stream', async () => {
    await press('smallest-start');
    await shown('smallest-status', /^The stream has ended/);
    expect(await count('[data-testid=smallest-events] li')).toBe(10);
  });

  it('shows named events by their names', async () => {
    await page.getByTestId('routes-route').selectOption('custom');
    await shown('routes-code', /@Sse\('custom'\)/);
    await press('routes-start');
    await shown('routes-events', /message\{"type": "custom"\}notification\{"alert": "New message"\}/);
    await shown('routes-status', /^The stream has ended/);
  });

  it('continues a chat after a disconnect, after a reload and in a second tab, which stops it', async () => {
    await press('chat-start');
    await shown('chat-messages', /\?\w+/);
    await press('chat-plug');
    await shown('chat-status', /^Disconnected/);
    await press('chat-plug');
    await shown('chat-status', /^Reading the answer$/);
    await page.reload();
    await shown('chat-messages', /What does the captain say\?\w+/);
    const second = await open(new URL(page.url()).search);
    await shown('chat-messages', /What does the captain say\?\w+/, second);
    // The button is disabled until the first answer is complete.
    await second.getByTestId('chat-start').click();
    await shown('chat-messages', /say\?.*say\?\w+/, second);
    await second.getByTestId('chat-stop').click();
    await shown('chat-status', /^The answer was stopped$/, second);
  });

  it('stops an answer of the chat that it does not read, and reads what there is of it', async () => {
    await press('chat-start');
    await shown('chat-messages', /\?\w+/);
    await press('chat-plug');
    await shown('chat-status', /^Disconnected/);
    await press('chat-stop');
    await shown('chat-status', /^The answer was stopped\. Reconnect to read it$/);
    await press('chat-plug');
    await shown('chat-status', /^The answer was stopped$/);
    await page.getByTestId('chat-start').click({ trial: true });
  });

  it('reads each stream of the list, and stops it', async () => {
    const route = page.getByTestId('routes-route');
    const paths = await route
      .locator('option')
      .evaluateAll((options) => options.map((option) => (option as HTMLElement).dataset['path'] ?? ''));
    expect(paths.length).toBeGreaterThan(8);
    for (const [index, path] of paths.entries()) {
      await route.selectOption({ index });
      await press('routes-start');
      const head = `GET ${path.replaceAll(/[?/.]/g, '\\$&')} ?(?:Last-Event-ID: \\S+ )?200 text/event-stream`;
      await shown('routes-wire', new RegExp(head));
      await page.getByTestId('routes-stop').evaluate((button) => (button as HTMLButtonElement).click());
      await shown('routes-status', /^(?:Stopped|The stream has ended.*)$/);
    }
  });

  it('uploads a chosen file while nobody watches, and downloads it', async () => {
    const buffer = Buffer.alloc(2_000_000, 'x');
    // Eight seconds, so that there is time to stop watching.
    const slow = (url: string): string => url.replace(/bytesPerSecond=\d+/, 'bytesPerSecond=250000');
    await page.route('**/api/upload/*', (route) => route.continue({ url: slow(route.request().url()) }));
    await page.getByTestId('upload-file').setInputFiles({ name: 'x.txt', mimeType: 'text/plain', buffer });
    await press('upload-start');
    await shown('upload-percent-first', /^[1-9]/);
    await press('upload-stop');
    await shown('upload-status', /^Stopped$/);
    const link = page.getByTestId('upload-download');
    await link.waitFor();
    const bytes = await link.evaluate(async (element) => {
      const answer = await fetch((element as HTMLAnchorElement).href);
      return (await answer.arrayBuffer()).byteLength;
    });
    expect(bytes).toBe(buffer.length);
  });

  it('follows the log of another service', async () => {
    await page.getByTestId('log-service').selectOption('worker');
    await press('log-start');
    await shown('log-wire', /GET \/api\/logs\/worker 200/);
    await shown('log-lines', /\S/);
  });

  it('runs a query that was typed', async () => {
    await page.getByTestId('sql-text').fill('SELECT humidity FROM readings');
    await shown('sql-curl', /"SELECT humidity FROM readings"/);
    await press('sql-start');
    await shown('sql-table', /^humidity float/);
    await shown('sql-count', /^[1-9]/);
  });

  it('moves a pawn with a button, and leaves the table', async () => {
    await press('board-start');
    await page.locator('[data-testid^=board-move-1-]').first().click();
    await shown('board-window-1', /Blue is thinking/);
    await shown('board-window-2', /You rolled/);
    await press('board-stop');
    await shown('board-status', /^Stopped$/);
  });

  it('stops the pane that began first, because a browser opens six connections', async () => {
    await press('log-start');
    await shown('log-lines', /\S/);
    await press('sql-start');
    await shown('sql-count', /^[1-9]/);
    await press('board-start');
    await shown('log-status', /^Stopped, because a browser opens at most six connections/);
    await shown('board-window-2', /Red is thinking/);
    await shown('live-status', /^Four events per second/);
  });

  it('opens the page, the chat and the inspector in a second tab, and reloads the chat', async () => {
    const opened = async (id: string): Promise<Page> => {
      const [tab] = await Promise.all([context.waitForEvent('page'), press(id)]);
      return tab;
    };
    const second = await opened('notice-tab');
    await shown('live-received', /^[1-9]/, second);
    await second.close();
    await press('chat-start');
    await shown('chat-messages', /\?\w+/);
    const chat = await opened('chat-tab');
    await shown('chat-messages', /What does the captain say\?\w+/, chat);
    await chat.close();
    await press('chat-reload');
    await shown('chat-messages', /What does the captain say\?\w+/);
    const inspector = await opened('inspector');
    await inspector.locator('tbody tr', { hasText: 'GET /live/stream' }).first().waitFor();
  });
});
