import '../e2e/demo-speed.js';
import type { INestApplication } from '@nestjs/common';
import { openStream } from 'nestjs-event-stream/testing';
import { createDemo } from '../../demo/create-app.js';
import { ask } from '../e2e/ask.js';
import { describeRedisServer } from '../fixtures/redis.js';
import { RedisServer } from '../fixtures/redis-server.js';

describeRedisServer('two nodes of the demo on one Redis', () => {
  let server: RedisServer;
  let nodes: [INestApplication, INestApplication];

  beforeAll(async () => {
    server = await RedisServer.start();
    process.env['REDIS_URL'] = server.url;
    nodes = [await createDemo('express', { logger: false }), await createDemo('fastify', { logger: false })];
    for (const node of nodes) await node.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    delete process.env['REDIS_URL'];
    for (const node of nodes) await node.close();
    await server.remove();
  });

  it('share channels: published here, followed there, resumed anywhere', async () => {
    const [a, b] = nodes;
    const streams = [await openStream(a, '/channels/news'), await openStream(b, '/channels/news')];
    const { body } = await ask<{ ids: string[] }>(b, 'POST', '/channels/news', [{ n: 1 }, { n: 2 }]);
    for (const stream of streams) {
      expect((await stream.collect(2)).map(({ id, data }) => [id, data])).toEqual([
        [body.ids[0], '{"n":1}'],
        [body.ids[1], '{"n":2}'],
      ]);
      await stream.close();
    }
    const back = await openStream(a, '/channels/news', { lastEventId: body.ids[0] as string });
    expect((await back.next()).data).toBe('{"n":2}');
    await back.close();
  });

  it('share runs: started here, read there, stopped there', async () => {
    const [a, b] = nodes;
    expect((await ask(a, 'POST', '/runs/r', { words: 9000 })).status).toBe(201);
    expect((await ask(b, 'POST', '/runs/r', { words: 9000 })).status).toBe(409);
    const streams = [await openStream(a, '/runs/r'), await openStream(b, '/runs/r')];
    for (const stream of streams) await stream.next();
    expect(await ask(b, 'DELETE', '/runs/r')).toEqual({ status: 200, body: { id: 'r', status: 'stopped' } });
    const [here, there] = await Promise.all(streams.map((stream) => stream.rest()));
    const seen = [here, there].map((events) => events?.map(({ type, id, data }) => [type, id, data]));
    expect(seen[1]).toEqual(seen[0]);
    expect(there?.at(-1)?.type).toBe('stopped');
    expect((await ask(b, 'DELETE', '/runs/none')).status).toBe(404);
  });
});
