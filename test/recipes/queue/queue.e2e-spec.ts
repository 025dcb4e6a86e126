import { getQueueToken } from '@nestjs/bullmq';
import { createClient } from '@redis/client';
import type { Queue } from 'bullmq';
import { Channels } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { eachAdapter } from '../../e2e/adapters.js';
import { describeRedis, removeKeys, testPrefix } from '../../fixtures/redis.js';
import { closeRecipes, nothingIsOpen, startRecipe, type RecipeApp } from '../recipe-app.js';
import { AppModule } from './app.module.js';

await describeRedis('the queue', (url) => {
  const prefix = testPrefix().slice(0, -1);
  let redis: ReturnType<typeof createClient>;

  beforeAll(async () => {
    Object.assign(process.env, { REDIS_URL: url, QUEUE_PREFIX: prefix });
    redis = createClient({ url });
    await redis.connect();
  });
  afterAll(async () => {
    await redis.close();
    await removeKeys(url, prefix);
    delete process.env['REDIS_URL'];
    delete process.env['QUEUE_PREFIX'];
  });

  eachAdapter((adapter) => {
    let recipe: RecipeApp;
    /** Starts the jobs. */
    const work = () => queue().resume();
    const queue = () => recipe.app.get<Queue>(getQueueToken('imports'));

    const add = async (rows: unknown[]): Promise<string> => {
      const response = await fetch(`${recipe.url}/imports`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ rows }),
      });
      expect(response.status).toBe(201);
      return ((await response.json()) as { id: string }).id;
    };

    beforeEach(async () => {
      recipe = await startRecipe(adapter, AppModule);
      await queue().pause();
    });
    afterEach(closeRecipes);

    it('a client sees the progress of its job, and its result', async () => {
      const id = await add([3, 4]);
      const other = await add([1]);
      const stream = await openStream(recipe.app, `/imports/${id}`);
      await work();
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toMatch(/^(?::\n)(?:event: \w+\nid: \d{13}-\d{6}\ndata: .*\n\n){3}$/);
      expect(stream.raw().replaceAll(/^id: .*\n/gm, '')).toBe(
        ':\n' +
          'event: progress\ndata: {"done":1,"of":2}\n\n' +
          'event: progress\ndata: {"done":2,"of":2}\n\n' +
          'event: done\ndata: {"sum":7}\n\n',
      );
      await (await openStream(recipe.app, `/imports/${other}`)).next('done');
      await nothingIsOpen(recipe);
    });

    it('a job that fails ends the stream without its reason', async () => {
      const stream = await openStream(recipe.app, `/imports/${await add([1, 'x'])}`);
      await work();
      expect((await stream.rest()).map(({ type, data }) => [type, data])).toEqual([
        ['progress', '{"done":1,"of":2}'],
        ['failed', '{}'],
      ]);
    });

    it('a client resumes in another process, which started later', async () => {
      const id = await add([3, 4]);
      const stream = await openStream(recipe.app, `/imports/${id}`);
      await work();
      const [first, second] = await stream.collect(2);
      expect(await stream.rest()).toMatchObject([{ type: 'done' }]);
      const other = await startRecipe(adapter, AppModule);
      const events = other.app
        .get(Channels)
        .channel(`import:${id}`)
        .subscribe({ from: 'oldest', until: ({ type }) => type === 'done' });
      const ids: unknown[] = [];
      for await (const { id: seen } of events) ids.push(seen);
      expect(ids.slice(0, 2)).toEqual([first?.id, second?.id]);
    });

    it.each([
      ['done', [1], '{"sum":1}'],
      ['failed', ['x'], '{}'],
    ])('a job that has ended is a stream of one event: %s', async (type, rows, data) => {
      const id = await add(rows);
      await work();
      await (await openStream(recipe.app, `/imports/${id}`)).next(type);
      await closeRecipes();
      recipe = await startRecipe(adapter, AppModule);
      const stream = await openStream(recipe.app, `/imports/${id}`);
      expect(await stream.rest()).toMatchObject([{ type, data }]);
    });

    it('a job that does not exist is answered with 404', async () => {
      const stream = await openStream(recipe.app, '/imports/none');
      expect(stream.status).toBe(404);
      expect(await stream.json()).toMatchObject({ message: 'There is no such import.' });
    });

    it('a shutdown ends the streams, and closes the connections to Redis', async () => {
      // BullMQ names the connections that wait for jobs and events.
      const connections = async () =>
        String(await redis.sendCommand(['CLIENT', 'LIST']))
          .split('\n')
          .filter((line) => line.includes(` name=${prefix}:`)).length;
      while ((await connections()) !== 2);
      const stream = await openStream(recipe.app, `/imports/${await add([1])}`);
      await recipe.app.close();
      expect(await stream.end()).toBe('ended');
      expect(await connections()).toBe(0);
    });
  });
});
