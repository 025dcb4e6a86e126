import { EventSource, type FetchLike } from 'eventsource';
import { SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { eachAdapter, until } from '../../e2e/adapters.js';
import { closeRecipes, nothingIsOpen, startRecipe, type RecipeApp } from '../recipe-app.js';
import { AppModule } from './app.module.js';

eachAdapter((adapter) => {
  let recipe: RecipeApp;

  beforeEach(async () => {
    recipe = await startRecipe(adapter, AppModule);
  });
  afterEach(closeRecipes);

  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`${recipe.url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  async function logIn(user: string): Promise<{ cookie: string }> {
    const response = await post('login', { user });
    expect(response.status).toBe(204);
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^session=[0-9a-f-]{36}; Path=\/; HttpOnly; SameSite=Lax$/);
    return { cookie: `theme=dark; ${cookie.split(';')[0]}` };
  }

  async function notify(user: string, text: string, headers: { cookie: string }): Promise<string> {
    const response = await post(`users/${user}/notifications`, { text }, headers);
    expect(response.status).toBe(201);
    return ((await response.json()) as { id: string }).id;
  }

  it('a notification reaches every device of its user, and nobody else', async () => {
    const [phone, laptop, bob] = [await logIn('ada'), await logIn('ada'), await logIn('bob')];
    const streams = [];
    for (const headers of [phone, laptop, bob]) {
      streams.push(await openStream(recipe.app, '/notifications', { headers }));
    }
    const first = await notify('ada', 'Hello', bob);
    const second = await notify('bob', 'Hi', phone);
    for (const stream of streams) await stream.next();
    const forAda = `:\nevent: notification\nid: ${first}\ndata: {"from":"bob","text":"Hello"}\n\n`;
    const forBob = `:\nevent: notification\nid: ${second}\ndata: {"from":"ada","text":"Hi"}\n\n`;
    expect(streams.map((stream) => stream.raw())).toEqual([forAda, forAda, forBob]);
    for (const stream of streams) await stream.close();
    await nothingIsOpen(recipe);
  });

  it('a device that reconnects gets what it missed', async () => {
    const headers = await logIn('ada');
    const stream = await openStream(recipe.app, '/notifications', { headers });
    await notify('ada', 'one', headers);
    const { id = '' } = await stream.next();
    await stream.close();
    await notify('ada', 'two', headers);
    await notify('ada', 'three', headers);
    const again = await openStream(recipe.app, '/notifications', { headers, lastEventId: id });
    expect((await again.collect(2)).map(({ data }) => data)).toEqual([
      '{"from":"ada","text":"two"}',
      '{"from":"ada","text":"three"}',
    ]);
    await again.close();
  });

  it.each([
    ['without a cookie', {}],
    ['with a cookie that is unknown', { cookie: 'session=1' }],
    ['with a cookie of another name', { cookie: 'mysession=1; session=' }],
  ])('a request %s is answered with 401', async (_, headers) => {
    const stream = await openStream(recipe.app, '/notifications', { headers });
    expect(stream.status).toBe(401);
    expect(await stream.json()).toMatchObject({ message: 'Log in first.' });
    expect((await post('users/ada/notifications', {}, headers)).status).toBe(401);
  });

  it('a cursor of another user is answered with 400', async () => {
    const [ada, bob] = [await logIn('ada'), await logIn('bob')];
    const lastEventId = await notify('ada', 'secret', ada);
    const stream = await openStream(recipe.app, '/notifications', { headers: bob, lastEventId });
    expect(stream.status).toBe(400);
  });

  it('the sixth device replaces the oldest one, which does not reconnect', async () => {
    const session = await logIn('ada');
    const device = () =>
      openStream(recipe.app, '/notifications', { headers: { ...session, 'cache-control': 'no-cache' } });
    const oldest = await device();
    const others = [];
    while (others.length < 5) others.push(await device());
    const end = await oldest.rest();
    expect(end.map(({ id }) => id).at(-1)).toBe('~end');
    expect(await oldest.end()).toBe('ended');
    expect(
      (await openStream(recipe.app, '/notifications', { headers: session, lastEventId: '~end' })).status,
    ).toBe(204);
    await notify('ada', 'Hello', session);
    for (const stream of others)
      expect((await stream.next('notification')).json()).toMatchObject({ text: 'Hello' });
    for (const stream of others) await stream.close();
  });

  it('after a logout the streams of the session end, and its browser gets 401', async () => {
    const [phone, laptop] = [await logIn('ada'), await logIn('ada')];
    const statuses: number[] = [];
    const withCookie: FetchLike = async (url, init) => {
      const response = await fetch(url, { ...init, headers: { ...init.headers, ...phone } });
      statuses.push(response.status);
      return response;
    };
    const browser = new EventSource(`${recipe.url}/notifications`, { fetch: withCookie });
    const stream = await openStream(recipe.app, '/notifications', { headers: laptop });
    await until(() => recipe.app.get(SseConnections).count() === 2);
    expect((await post('logout', {}, phone)).status).toBe(204);
    await until(() => browser.readyState === EventSource.CLOSED, 'the end of the EventSource');
    expect(statuses).toEqual([200, 401]);
    expect(recipe.app.get(SseConnections).count()).toBe(1);
    await stream.close();
  });

  it.each([{}, { user: '' }, { user: 'a b' }, { user: 7 }])(
    'a login with %j is answered with 400',
    async (body) => {
      expect((await post('login', body)).status).toBe(400);
    },
  );

  it('a shutdown ends the streams', async () => {
    const stream = await openStream(recipe.app, '/notifications', { headers: await logIn('ada') });
    await recipe.app.close();
    expect(await stream.end()).toBe('ended');
  });
});
