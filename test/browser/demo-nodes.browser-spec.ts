import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { BuiltDemo, listening } from '../fixtures/built-demo.js';
import { describePostgresServer } from '../fixtures/postgres.js';
import { PostgresServer } from '../fixtures/postgres-server.mjs';
import { describeRedisServer } from '../fixtures/redis.js';
import { RedisServer } from '../fixtures/redis-server.js';
import { launch } from './browser.js';

/** The longest wait for something that must happen. */
const PATIENCE_MS = 30_000;
const TIMEOUT_MS = 120_000;

/** A proxy before the nodes. It skips those that do not answer, like the proxy of a deployment. */
class Proxy {
  private constructor(
    private readonly server: Server,
    readonly url: string,
    /** The URLs of the nodes, the preferred one first. */
    readonly nodes: string[],
  ) {}

  static async start(nodes: string[]): Promise<Proxy> {
    const server = createServer((asked, answer) => {
      const attempt = (rest: readonly string[]): void => {
        const [node, ...others] = rest;
        if (node === undefined) return void answer.writeHead(502).end();
        const { method, url = '', headers } = asked;
        const sent = request(new URL(url, node), { method, headers, agent: false }, (response) => {
          answer.writeHead(response.statusCode ?? 502, response.headers);
          response.pipe(answer);
          response.on('error', () => answer.destroy());
        });
        sent.on('error', () => (answer.headersSent ? answer.destroy() : attempt(others)));
        answer.on('close', () => sent.destroy());
        // The page sends bodies of one chunk only, which the next node gets as well.
        body.then((text) => sent.end(text)).catch(() => sent.destroy());
      };
      const body = asked.toArray().then((chunks) => Buffer.concat(chunks as Buffer[]));
      attempt(nodes);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Proxy(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, nodes);
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

describe('the demo as its users start it', () => {
  let demo: BuiltDemo;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    demo = new BuiltDemo('demo-nodes');
    browser = await launch();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await browser.close();
    demo.remove();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    page = await context.newPage();
  });
  afterEach(async () => {
    await context.close();
    demo.kill();
  });

  /** Waits until the text of an element matches, and returns the text. */
  async function shown(id: string, expected: RegExp): Promise<string> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const text = ((await page.getByTestId(id).textContent()) ?? '').replaceAll(/\s+/g, ' ').trim();
      if (expected.test(text)) return text;
      if (Date.now() > deadline) throw new Error(`${id} shows "${text}", which does not match ${expected}.`);
      await page.waitForTimeout(50);
    }
  }
  const press = (id: string): Promise<void> => page.getByTestId(id).click();
  const start = async (env: Record<string, string> = {}): Promise<string> =>
    listening(demo.start({ PORT: '0', ...env }));

  it(
    'resumes after a restart of the server, and says that its memory is empty',
    async () => {
      await page.goto(await start());
      await shown('live-received', /^[1-9]/);
      expect(await page.getByTestId('live-move').isVisible()).toBe(false);
      await press('live-restart');
      await shown(
        'live-result',
        /^The event log was in memory.*the event “gap”.* A log in Redis or PostgreSQL keeps the events\.$/,
      );
      await shown('live-status', /^Four events per second/);
      // The figures begin again: at most the events since the restart.
      await shown('live-received', /^[1-9]\d?$/);
      expect([await shown('live-missing', /\d/), await shown('live-doubled', /\d/)]).toEqual(['0', '0']);
      await shown('live-wire', /event: gap/);
    },
    TIMEOUT_MS,
  );

  /** Two nodes with one server. */
  function suite(
    variable: string,
    startServer: () => Promise<{ url: string; remove(): Promise<void> }>,
  ): void {
    let server: { url: string; remove(): Promise<void> };
    let proxies: Proxy[] = [];

    beforeEach(async () => {
      server = await startServer();
      const env = (node: string) => ({ [variable]: server.url, DEMO_NODE: node });
      const nodes = [await start(env('west')), await start(env('east'))];
      // Each proxy prefers another node.
      proxies = [await Proxy.start(nodes), await Proxy.start(nodes.toReversed())];
    }, TIMEOUT_MS);
    afterEach(async () => {
      demo.kill();
      for (const proxy of proxies.splice(0)) proxy.stop();
      await server.remove();
    });

    it(
      'resumes on the other node when its node restarts, with nothing missing and no duplicates',
      async () => {
        await page.goto(proxies[0]!.url);
        await shown('strip-node', /^west$/);
        await shown('live-received', /^[1-9]/);
        await press('live-restart');
        const result = await shown('live-result', /^Resumed after [\d.]+ s on (?:east|west)\./);
        expect(result).toMatch(/ Missing: 0\. Duplicates: 0\.$/);
        const received = Number(await shown('live-received', /^\d+$/));
        await shown('live-status', /^Four events per second/);
        while (Number(await shown('live-received', /^\d+$/)) <= received) await page.waitForTimeout(50);
        await shown('live-wire', /Last-Event-ID: \S+/);
      },
      TIMEOUT_MS,
    );

    it(
      'moves to the other node with a button, with nothing missing and no duplicates',
      async () => {
        await page.goto(proxies[0]!.url);
        await shown('strip-node', /^west$/);
        await shown('live-received', /^[1-9]/);
        // From here on, the proxy sends requests to the other node. The node with the stream gets the order through the log.
        proxies[0]!.nodes.reverse();
        await press('live-move');
        expect(await shown('live-result', /^Resumed after [\d.]+ s on east\./)).toMatch(
          / Missing: 0\. Duplicates: 0\.$/,
        );
        await shown('strip-node', /^east$/);
      },
      TIMEOUT_MS,
    );

    it(
      'shows both nodes in the inspector, whose buttons reach the other one',
      async () => {
        await page.goto(proxies[0]!.url);
        await shown('live-received', /^[1-9]/);
        const inspector = await context.newPage();
        await inspector.goto(`${proxies[1]!.url}/inspector`);
        const row = (text: string) =>
          inspector.locator('[role=tabpanel]:not([hidden]) tbody tr', { hasText: text });
        await inspector.getByRole('tab', { name: 'Nodes' }).click();
        await row('east (this one)').waitFor();
        await row('west').waitFor();
        await inspector.getByRole('tab', { name: 'Channels' }).click();
        await row('live/page')
          .locator('td[data-title=Kept]')
          .filter({ hasText: /^\d+ events$/ })
          .waitFor();
        await inspector.getByRole('tab', { name: 'Connections' }).click();
        await row('GET /live/stream')
          .filter({ hasText: 'west' })
          .getByRole('button', { name: /^Close conn/ })
          .click();
        expect(await shown('live-result', /^Resumed/)).toMatch(/ Missing: 0\. Duplicates: 0\.$/);
      },
      TIMEOUT_MS,
    );
  }

  describeRedisServer('two nodes with one Redis', () => suite('REDIS_URL', () => RedisServer.start()));
  describePostgresServer('two nodes with one PostgreSQL', () =>
    suite('DATABASE_URL', () => PostgresServer.start()),
  );
});
