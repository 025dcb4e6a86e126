import type { ServerResponse } from 'node:http';
import { connect } from 'nestjs-event-stream/client';
import { openStream } from 'nestjs-event-stream/testing';
import { eachAdapter, until } from '../../e2e/adapters.js';
import { closeStockClients, followWithStockClient } from '../../e2e/stock-client.js';
import { Upstream } from '../../fixtures/upstream.js';
import { closeRecipes, nothingIsOpen, startRecipe, type RecipeApp } from '../recipe-app.js';
import { AppModule } from './app.module.js';

/** The request of a browser. A stream that has ended permanently answers with an ID of its own. */
const BROWSER = { headers: { 'cache-control': 'no-cache' } };

const errorEvent = (statusCode: number, error: string, message: string) =>
  `event: error\ndata: ${JSON.stringify({ statusCode, error, message })}\n\n`;
const NOT_AVAILABLE = errorEvent(502, 'Bad Gateway', 'The feed is not available.');

eachAdapter((adapter) => {
  let feeds: Upstream;
  let answer: (response: ServerResponse) => void;
  let recipe: RecipeApp;

  beforeEach(async () => {
    feeds = await Upstream.start((response) => answer(response));
    process.env['FEEDS_URL'] = feeds.url;
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: headline\nid: 1\ndata: rain\n\n: nothing new\n\nid: 2\ndata: sunny\n\n');
    };
    recipe = await startRecipe(adapter, AppModule);
  });
  afterEach(async () => {
    closeStockClients();
    await closeRecipes();
    delete process.env['FEEDS_URL'];
    await feeds.stop();
  });

  it('the events of the feed arrive, changed or unchanged, until the feed ends', async () => {
    const stream = await openStream(recipe.app, '/headlines/a%2Fb', BROWSER);
    await stream.collect(2);
    expect(feeds.requests.at(-1)?.request.url).toBe('/a%2Fb');
    feeds.response.end('event: headline\nid: 3\ndata: more\ndata: rain\n\n');
    expect(await stream.end()).toBe('ended');
    expect(stream.raw()).toBe(
      ':\n' +
        'event: headline\nid: 1\ndata: RAIN\n\n' +
        'id: 2\ndata: sunny\n\n' +
        'event: headline\nid: 3\ndata: MORE\ndata: RAIN\n\n',
    );
  });

  it('a reconnect continues after the last event, as with the feed itself', async () => {
    const ids: (string | undefined)[] = [];
    for await (const { id } of connect(`${recipe.url}/headlines/weather`, {
      retry: { maxServerMs: 0, minMs: 0 },
    })) {
      ids.push(id);
      if (ids.length === 2) feeds.response.destroy();
      if (ids.length === 5) break;
    }
    expect(ids).toEqual(['1', '2', undefined, '1', '2']);
    expect(feeds.requests.map(({ request }) => request.headers['last-event-id'])).toEqual([undefined, '2']);
    expect(recipe.logger.errors.splice(0)).toHaveLength(1);
  });

  it.each([
    ['answers with 500', () => (answer = (response) => response.writeHead(500).end())],
    [
      'sends JSON',
      () =>
        (answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')),
    ],
    ['refuses connections', () => (process.env['FEEDS_URL'] = 'http://127.0.0.1:1')],
    [
      'breaks',
      () =>
        (answer = (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).destroy()),
    ],
  ])('a feed that %s is an error event, and the client can reconnect', async (_, fail) => {
    fail();
    const stream = await openStream(recipe.app, '/headlines/weather', BROWSER);
    expect(stream.status).toBe(200);
    expect(await stream.end()).toBe('ended');
    expect(stream.raw()).toBe(`:\nretry: 5000\n\n${NOT_AVAILABLE}`);
    expect(recipe.logger.errors.splice(0)).toHaveLength(1);
  });

  it('a feed that breaks later is an error event, and the client can reconnect', async () => {
    const stream = await openStream(recipe.app, '/headlines/weather', BROWSER);
    await stream.collect(2);
    feeds.response.destroy();
    expect(await stream.end()).toBe('ended');
    expect(stream.raw().split('data: sunny\n\n')[1]).toBe(`retry: 5000\n\n${NOT_AVAILABLE}`);
    expect(recipe.logger.errors.splice(0)).toHaveLength(1);
  });

  it('a feed that does not exist is an HTTP error, and the client does not reconnect', async () => {
    answer = (response) => response.writeHead(404).end();
    const client = followWithStockClient(`${recipe.url}/headlines/none`);
    await client.closed();
    expect(client.statuses).toEqual([404]);
  });

  it('a client that leaves cancels the request to the feed', async () => {
    const stream = await openStream(recipe.app, '/headlines/weather');
    await stream.next();
    await stream.close();
    await feeds.isCancelled();
    await nothingIsOpen(recipe);
  });

  it('a shutdown cancels the request to the feed, and ends the stream', async () => {
    const stream = await openStream(recipe.app, '/headlines/weather', BROWSER);
    await stream.collect(2);
    await recipe.app.close();
    expect(await stream.end()).toBe('ended');
    expect(stream.raw()).toMatch(/sunny\n\nretry: \d+\n\n$/);
    await feeds.isCancelled();
    await until(() => feeds.response.destroyed, 'the end of the request');
  });
});
