import { EventSource } from 'eventsource';
import { Channels } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { eachAdapter, until } from '../../e2e/adapters.js';
import { closeRecipes, nothingIsOpen, startRecipe, type RecipeApp } from '../recipe-app.js';
import { AppModule } from './app.module.js';
import { Feed } from './follow.js';

eachAdapter((adapter) => {
  let recipe: RecipeApp;

  beforeAll(() => void Object.assign(globalThis, { EventSource }));
  afterAll(() => void Reflect.deleteProperty(globalThis, 'EventSource'));
  beforeEach(async () => {
    recipe = await startRecipe(adapter, AppModule);
  });
  afterEach(closeRecipes);

  async function publish(topic: string, n: number): Promise<string> {
    const response = await fetch(`${recipe.url}/topics/${topic}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ n }),
    });
    return ((await response.json()) as { id: string }).id;
  }

  it('a stream has the events of its topics, in the order in which they were published', async () => {
    const stream = await openStream(recipe.app, '/feed?topics=news,weather');
    await publish('news', 1);
    await publish('sport', 2);
    await publish('weather', 3);
    await publish('news', 4);
    const events = await stream.collect(3);
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      ['news', '{"n":1}'],
      ['weather', '{"n":3}'],
      ['news', '{"n":4}'],
    ]);
    const blocks = events.map(({ type, id, data }) => `event: ${type}\nid: ${id}\ndata: ${data}\n\n`);
    expect(stream.raw()).toBe(`:\n${blocks.join('')}`);
    await stream.close();
    await nothingIsOpen(recipe);
  });

  it('a reconnect continues in every topic', async () => {
    const first = await openStream(recipe.app, '/feed?topics=news,weather');
    await publish('news', 1);
    const { id } = await first.next();
    await first.close();
    await publish('weather', 2);
    await publish('news', 3);
    const again = await openStream(recipe.app, '/feed?topics=news,weather', { lastEventId: id ?? '' });
    expect((await again.collect(2)).map(({ data }) => data)).toEqual(['{"n":2}', '{"n":3}']);
    await again.close();
  });

  it('a page changes its topics without a gap in those that stay', async () => {
    const shown: [string, unknown][] = [];
    const feed = new Feed(recipe.url, (topic, data) => shown.push([topic, data]));
    const followers = (topic: string) => () =>
      recipe.app
        .get(Channels)
        .list()
        .some(({ name, size }) => name === `topic:${topic}` && size === 1);
    feed.follow(['news']);
    await until(followers('news'));
    await publish('news', 1);
    await until(() => shown.length === 1);
    feed.close();
    await publish('news', 2);
    feed.follow(['news', 'sport']);
    await until(followers('sport'));
    await publish('sport', 3);
    await until(() => shown.length === 3);
    expect(shown).toEqual([
      ['news', { n: 1 }],
      ['news', { n: 2 }],
      ['sport', { n: 3 }],
    ]);
    feed.follow([]);
  });

  it.each(['', '?topics=', '?topics=news,secret', '?topics[]=news'])(
    'a stream of %j is answered with 400',
    async (query) => {
      const stream = await openStream(recipe.app, `/feed${query}`);
      expect(stream.status).toBe(400);
      expect(await stream.json()).toMatchObject({ message: 'Name topics of news, sport, weather.' });
    },
  );

  it('a publication without a body is an event without fields', async () => {
    const stream = await openStream(recipe.app, '/feed?topics=news');
    const response = await fetch(`${recipe.url}/topics/news`, { method: 'POST' });
    expect(response.status).toBe(201);
    expect((await stream.next()).data).toBe('{}');
    await stream.close();
  });

  it('a log that fails is an error for the publisher, and a shutdown ends the streams', async () => {
    const stream = await openStream(recipe.app, '/feed?topics=news');
    await recipe.app.get(Channels).log.close();
    const failed = await fetch(`${recipe.url}/topics/news`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(failed.status).toBe(503);
    expect(recipe.logger.errors.splice(0).join('\n')).toContain('SSE_LOG_UNAVAILABLE');
    await recipe.app.close();
    expect(await stream.end()).toBe('ended');
  });
});
