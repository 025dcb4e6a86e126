import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import type { INestApplication, Type } from '@nestjs/common';
import { openStream } from 'nestjs-event-stream/testing';
import { AppModule as Hello } from '../examples/hello/app.module.js';
import { AppModule as ModelAnswer } from '../examples/model-answer/app.module.js';
import { AppModule as Notifications } from '../examples/notifications/app.module.js';

describe('the example', () => {
  let app: INestApplication;
  afterEach(() => app.close());

  const open = async (module: Type): Promise<void> => {
    const testing = await Test.createTestingModule({ imports: [module] }).compile();
    app = testing.createNestApplication();
    await app.init();
  };
  const body = async (path: string, init = {}): Promise<unknown> =>
    (await openStream(app, path, { headers: { accept: '*/*' }, ...init })).json();

  it('hello greets in three languages', async () => {
    await open(Hello);
    const stream = await openStream(app, '/hello/Ada');
    expect((await stream.rest()).map((event) => event.json())).toEqual(
      ['Hello', 'Bonjour', '你好'].map((greeting) => ({ greeting, name: 'Ada' })),
    );
  });

  it('notifications reach their user, in every tab, and after a reconnect', async () => {
    await open(Notifications);
    const cookie = (user: string) => ({ headers: { cookie: `user=${user}` } });
    expect((await openStream(app, '/notifications')).status).toBe(403);
    const ada = [await openStream(app, '/notifications', cookie('ada'))];
    ada.push(await openStream(app, '/notifications', cookie('ada')));
    const bob = await openStream(app, '/notifications', cookie('bob'));
    const notify = (user: string, text: string) =>
      body(`/users/${user}/notes`, { method: 'POST', body: { text } }) as Promise<{ id: string }>;

    const { id } = await notify('ada', 'one');
    await notify('bob', 'other');
    for (const tab of ada) expect((await tab.next('note')).json()).toEqual({ text: 'one' });
    expect((await bob.next('note')).json()).toEqual({ text: 'other' });
    for (const stream of [...ada, bob]) await stream.close();

    await notify('ada', 'two');
    const again = await openStream(app, '/notifications', { ...cookie('ada'), lastEventId: id });
    expect((await again.next('note')).json()).toEqual({ text: 'two' });
    await again.close();
  });

  it('model-answer goes on without its client, and stops on demand', async () => {
    await open(ModelAnswer);
    const ask = () =>
      body('/answers', { method: 'POST', body: { prompt: 'a b c' } }) as Promise<{ id: string }>;
    const { id } = await ask();
    const first = await openStream(app, `/answers/${id}`);
    const seen = await first.next();
    await first.close();
    const rest = await openStream(app, `/answers/${id}`, { lastEventId: seen.id ?? '' });
    const words = [seen, ...(await rest.rest())].map(({ data }) => data);
    expect(words.join('')).toBe('You said: a b c ');

    const other = await ask();
    const viewer = await openStream(app, `/answers/${other.id}`);
    expect(await body(`/answers/${other.id}`, { method: 'DELETE' })).toEqual({ stopped: true });
    expect((await viewer.rest()).at(-1)?.type).toBe('stopped');
  });

  it.each(Object.entries({ hello: Hello, notifications: Notifications, 'model-answer': ModelAnswer }))(
    '%s serves its page, and has less than 100 lines',
    async (name, module) => {
      await open(module);
      await app.listen(0, '127.0.0.1');
      const page = await fetch(await app.getUrl());
      expect(page.headers.get('content-type')).toMatch(/^text\/html/);
      expect(await page.text()).toMatch(/^<!doctype html>[^]*new EventSource\(/);
      const folder = join(import.meta.dirname, '../examples', name);
      const lines = readdirSync(folder).flatMap((file) =>
        readFileSync(join(folder, file), 'utf8').split('\n'),
      );
      expect(lines.length).toBeLessThan(100);
    },
  );
});
