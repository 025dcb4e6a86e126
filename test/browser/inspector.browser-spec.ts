import axe from 'axe-core';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { Runs, SseConnections } from 'nestjs-event-stream';
import { closeApps, eachAdapter, until } from '../e2e/adapters.js';
import { launch } from './browser.js';
import { takePicture, TAKES_PICTURES } from './pictures.js';
import { Scene } from './scene.js';

/** A request of the scene, as a condition of `closeWhere()` sees it. */
interface Ordered {
  readonly params?: { readonly order?: string };
}

const TABS = ['Connections', 'Channels', 'Runs', 'Limits', 'Ended', 'Nodes'];
const HOSTILE = `<img src=x onerror="window.hacked=1">'"</td></script>`;

eachAdapter((adapter) => {
  let browser: Browser;
  let context: BrowserContext;
  let scene: Scene;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    scene = await Scene.start(adapter);
    await open();
  });
  afterEach(async () => {
    await context.close();
    scene.stop();
    await closeApps();
    expect(complaints).toEqual([]);
  });

  async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<void> {
    await context?.close();
    context = await browser.newContext(options);
    await context.addCookies([scene.cookie]);
    page = await context.newPage();
    complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(scene.page);
    await page.getByText('Live', { exact: true }).waitFor();
    await row('/prices').first().waitFor();
  }

  const row = (text: string): Locator =>
    page.locator('[role=tabpanel]:not([hidden]) tbody tr', { hasText: text });
  const tab = (name: string): Promise<void> => page.getByRole('tab', { name }).click();
  const cells = async (text: string): Promise<string[]> => row(text).first().locator('td').allInnerTexts();
  const connections = (): SseConnections => scene.app.get(SseConnections);
  /** Waits until the text of the page is as expected. */
  const reads = (locator: Locator, text: RegExp): Promise<void> =>
    locator.filter({ hasText: text }).first().waitFor();

  it('shows connections with their figures, which move', async () => {
    expect(await page.locator('[role=tabpanel]:not([hidden]) thead th').allInnerTexts()).toEqual([
      'Route',
      'Client',
      'Node',
      'Age',
      'Events',
      'Events/s',
      'Sent',
      'Queued',
      'Actions',
    ]);
    const prices = row('/prices').first();
    const events = prices.locator('td[data-title=Events]');
    const before = Number(await events.innerText());
    await until(() => before >= 0);
    await page.waitForFunction(
      ([selector, before]) =>
        Number(
          [...document.querySelectorAll('tr')]
            .find((each) => each.textContent?.includes('/prices'))
            ?.querySelector(selector)?.textContent,
        ) > before,
      ['td[data-title=Events]', before] as const,
    );
    await prices.locator('.spark polyline[points*=" "]').waitFor({ state: 'attached' });
    expect((await cells('order=4711')).slice(0, 2)).toEqual([
      expect.stringMatching(/^GET \/orders\/:order\s+order=4711$/),
      expect.stringMatching(/^ann@example\.com\s+\S*127\.0\.0\.1$/),
    ]);
    await reads(page.locator('.summary dd'), /^9$/);
  });

  it('filters, and groups by route, user and node', async () => {
    await page.getByLabel('Filter the connections').fill('bob orders');
    await reads(page.locator('.shown'), /^2 of \d+$/);
    await page.getByLabel('Filter the connections').fill('');
    for (const [by, titles] of [
      ['route', ['GET /admin/streams/events', 'GET /exports/:id', 'GET /orders/:order', 'GET /prices']],
      ['user', ['(no user)', 'ann@example.com', 'bob@example.com', 'chris@example.com']],
      ['node', ['web-1']],
    ] as const) {
      await page.getByLabel('Group by').selectOption(by);
      await reads(page.locator('.group-title'), new RegExp(titles[0].replaceAll(/[/()]/g, '\\$&')));
      const shown = await page.locator('.group-title').allInnerTexts();
      expect(shown.filter((title) => title !== 'GET /firehose')).toEqual(titles);
    }
    await reads(page.locator('.group-detail'), /connections · [\d.]+ events\/s · [\d.]+ [kM]?B queued/);
  });

  it('closes one connection', async () => {
    const before = connections().count();
    await row('order=4712')
      .first()
      .getByRole('button', { name: /^Close connection/ })
      .click();
    await reads(page.getByRole('status'), /The connection was closed/);
    await row('order=4712').waitFor({ state: 'detached' });
    await until(() => connections().count() < before);
  });

  it('closes all connections of a user, after a question that can be denied', async () => {
    const ofBob = (): number =>
      connections().count<{ headers: { cookie?: string } }>(
        ({ request }) => request.headers.cookie?.includes('bob') === true,
      );
    expect(ofBob()).toBe(3);
    const all = page.getByRole('button', { name: 'Close all connections of bob@example.com' }).first();
    await all.click();
    const dialog = page.getByRole('dialog', {
      name: 'Close all connections of bob@example.com, on every node?',
    });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect(ofBob()).toBe(3);
    await all.click();
    await dialog.getByRole('button', { name: 'Close all' }).click();
    await reads(page.getByRole('status'), /The connections of bob@example.com were closed/);
    await until(() => ofBob() === 0);
    // The heading of a group has the same button.
    await page.getByLabel('Group by').selectOption('user');
    await row('ann@example.com').first().getByRole('button', { name: 'Close all' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Close all' }).click();
    await reads(page.getByRole('status'), /The connections of ann@example.com were closed/);
  });

  it('shows channels with subscribers, rate and retention', async () => {
    await tab('Channels');
    await reads(row('order:4711').locator('td[data-title=Subscribers]'), /^2$/);
    await reads(row('order:4711').locator('td[data-title="Published/s"]'), /^[1-9]/);
    await reads(row('order:4711').locator('td[data-title=Kept]'), /^\d+ events$/);
  });

  it('shows runs, and stops one', async () => {
    await tab('Runs');
    await row('import-4711').waitFor();
    expect((await cells('export-2026-11')).slice(0, 3)).toEqual(['export-2026-11', 'running', 'web-1']);
    await page.getByRole('button', { name: 'Stop the run import-4711' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop the run' }).click();
    await reads(page.getByRole('status'), /The run import-4711 was stopped/);
    await row('import-4711').waitFor({ state: 'detached' });
    expect(await scene.app.get(Runs).status('import-4711')).toBe('stopped');
  });

  it('shows limits, ends and cut-offs, and nodes', async () => {
    await tab('Limits');
    await reads(row('Shop.export:exclusive'), /1 of 1\s*100 %/);
    await reads(row('Shop.order:limit:ip:'), /4 of 40\s*10 %/);
    await tab('Ended');
    await reads(row('SSE_CLIENT_GONE'), /The client has left\.\s*1/);
    await reads(row('GET /firehose'), /overflow\.maxBytes/);
    await tab('Nodes');
    await reads(row('web-1 (this one)'), /memory\s*up/);
  });

  it('pauses, and tells when the connection is lost and back', async () => {
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused', { exact: true }).waitFor();
    // A drawing that was due when the button was pressed does not happen.
    const age = row('order=4711').first().locator('td[data-title=Events]');
    const shown = await age.innerText();
    const before =
      connections()
        .list()
        .find(({ route }) => route.endsWith('/events'))?.events ?? 0;
    await until(
      () =>
        (connections()
          .list()
          .find(({ route }) => route.endsWith('/events'))?.events ?? 0) >
        before + 3,
    );
    expect(await age.innerText()).toBe(shown);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    connections().closeWhere(({ route }) => route.endsWith('/events'));
    await reads(page.getByRole('status'), /The connection to the application was lost/);
    await reads(page.getByRole('status'), /works again/);
    await page.getByText('Live', { exact: true }).waitFor();
  });

  it('says when a connection or a run is over before its button was pressed', async () => {
    const row4712 = row('order=4712').first();
    await row4712.waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    connections().closeWhere<Ordered>(({ request }) => request.params?.order === '4712');
    await row4712.getByRole('button', { name: /^Close connection/ }).click();
    await reads(page.getByRole('status'), /This connection is not open any more/);
    await page.getByRole('button', { name: 'Resume' }).click();
    await tab('Runs');
    await row('import-4711').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await scene.app.get(Runs).stop('import-4711');
    await page.getByRole('button', { name: 'Stop the run import-4711' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop the run' }).click();
    await reads(page.getByRole('status'), /The run import-4711 had ended before/);
    // The browser itself reports the response to the first button.
    expect(complaints.splice(0)).toEqual([expect.stringMatching(/^Failed to load resource: .* 404/)]);
  });

  it('closes a question with Escape, and changes nothing', async () => {
    const all = page.getByRole('button', { name: 'Close all connections of bob@example.com' }).first();
    await all.click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await all.evaluate((button) => button === document.activeElement)).toBe(true);
    await row('bob@example.com').first().waitFor();
  });

  it('works with the keyboard alone', async () => {
    await page.getByRole('tab', { name: 'Connections' }).focus();
    for (const name of [...TABS.slice(1), 'Connections']) {
      await page.keyboard.press('ArrowRight');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name);
      expect(await page.getByRole('tab', { name }).getAttribute('aria-selected')).toBe('true');
    }
    await page.keyboard.press('End');
    expect(new URL(page.url()).hash).toBe('#nodes');
    await page.keyboard.press('Home');
    const close = row('order=4711')
      .first()
      .getByRole('button', { name: /^Close connection/ });
    await close.focus();
    // Reports arrive meanwhile. They keep the focus where it is.
    const drawn = await row('order=4711').first().locator('td[data-title=Events]').innerText();
    await row('order=4711').first().locator('td[data-title=Events]').filter({ hasNotText: drawn }).waitFor();
    expect(await close.evaluate((button) => button === document.activeElement)).toBe(true);
    await page.locator('tr:has(:focus) + tr').evaluate((row) => (row.dataset['next'] = ''));
    await page.keyboard.press('Enter');
    await reads(page.getByRole('status'), /The connection was closed/);
    // The next row has the focus, and not its button, so that one more key press closes nothing.
    await page.locator('tr[data-next]:focus').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Close');
    // A row above goes, and the focus stays.
    const last = row('order=4713')
      .first()
      .getByRole('button', { name: /^Close connection/ });
    await last.focus();
    const rows = await page.locator('[role=tabpanel]:not([hidden]) tbody tr').count();
    connections().closeWhere(({ route }) => route === 'GET /exports/:id');
    connections().closeWhere<Ordered>(({ request }) => request.params?.order === '4712');
    await page.waitForFunction(
      (rows) => document.querySelectorAll('[role=tabpanel]:not([hidden]) tbody tr').length < rows,
      rows,
    );
    expect(await last.evaluate((button) => button === document.activeElement)).toBe(true);
  });

  it('shows hostile names as text', async () => {
    await scene.enter(`orders/${encodeURIComponent(HOSTILE)}`, HOSTILE);
    await row(HOSTILE).waitFor();
    await page.getByLabel('Group by').selectOption('user');
    await reads(page.locator('.group-title'), /<img src=x/);
    await row(HOSTILE).nth(1).getByRole('button', { name: 'Close all connections of <img' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Close all' }).click();
    await reads(page.getByRole('status'), /The connections of <img/);
    expect(await page.evaluate(() => 'hacked' in globalThis)).toBe(false);
    expect(await page.locator('img').count()).toBe(0);
  });

  it('groups a user apart who has the name of those without a user', async () => {
    await scene.enter('orders/9', '(no user)');
    await row('order=9').waitFor();
    await page.getByLabel('Group by').selectOption('user');
    const groups = page.locator('.group', { hasText: '(no user)' });
    await groups.nth(1).waitFor();
    expect(await groups.count()).toBe(2);
    const all = groups.getByRole('button', { name: 'Close all' });
    expect(await all.count()).toBe(1);
    await all.click();
    await page.getByRole('dialog').getByRole('button', { name: 'Close all' }).click();
    await reads(page.getByRole('status'), /The connections of \(no user\) were closed/);
    await row('order=9').waitFor({ state: 'detached' });
    expect(await groups.count()).toBe(1);
  });

  // The page is the same on both.
  if (adapter !== 'express') return;
  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)('is accessible in every tab, and fits: %s, %i px', async (colorScheme, width) => {
    await open({ viewport: { width, height: 800 }, colorScheme, bypassCSP: true });
    await page.addScriptTag({ content: axe.source });
    await page.locator('.spark polyline[points*=" "]').first().waitFor({ state: 'attached' });
    // Some seconds of history make the lines.
    if (TAKES_PICTURES) await page.waitForTimeout(8000);
    for (const name of TABS) {
      await tab(name);
      await page.locator('[role=tabpanel]:not([hidden]) tbody tr').first().waitFor();
      const found = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
      const violations = found.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
      expect([name, violations]).toEqual([name, []]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      const size = width < 960 ? 'phone' : 'desktop';
      const id = await page.getByRole('tab', { name }).getAttribute('aria-controls');
      await takePicture(page, `inspector/${id}-${colorScheme}-${size}`);
    }
  });
});
