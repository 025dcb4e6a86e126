import { createClient, type RedisClientType } from '@redis/client';
import { Channels, event, type SseError } from 'nestjs-event-stream';
import { redisLog, type RedisLogOptions } from 'nestjs-event-stream/redis';
import { clientName, redisClient } from '../fixtures/redis-client.mjs';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';
import { RedisProxy } from '../fixtures/redis-proxy.js';
import { Viewer, until } from './viewer.js';

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

await describeRedis('redisLog appends once', (url) => {
  const prefix = testPrefix();
  let proxy: RedisProxy;
  let admin: RedisClientType;
  const closing: Channels[] = [];

  function node(client: string, options: Partial<RedisLogOptions> = {}): Channels {
    const channels = new Channels({
      log: redisLog({ client: redisClient(client), prefix, waitMs: 30_000, ...options }),
    });
    closing.push(channels);
    return channels;
  }

  beforeAll(async () => {
    admin = createClient({ url });
    await admin.connect();
  });
  beforeEach(async () => {
    proxy = await RedisProxy.start(url);
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((channels) => channels.close()));
    proxy.close();
  });
  afterAll(async () => {
    admin.destroy();
    await removeKeys(url, prefix);
  });

  it('when answers are lost, it asks again, and nothing is repeated or out of order', async () => {
    const channels = node(proxy.url);
    const viewer = new Viewer(node(url), 'lost');
    await viewer.ready;
    const calls: Promise<unknown>[] = [];
    for (const n of numbers(0, 60)) {
      if (n % 10 === 5) proxy.answersLeft = 0;
      const call = channels.channel('lost').publish(n);
      calls.push(call);
      if (n % 3 === 0) await call;
    }
    const ids = await Promise.all(calls);
    await viewer.until(59);
    expect(viewer.seen).toEqual(numbers(0, 60));
    expect([proxy.lost, new Set(ids).size]).toEqual([6, 60]);
    const again = new Viewer(node(url), 'lost', { after: ids[9] as string });
    await again.until(59);
    expect(again.seen).toEqual(numbers(10, 50));
  });

  it('without waitMs a lost answer is reported as an unknown outcome; the batch is not sent again', async () => {
    const channels = node(proxy.url, { waitMs: false });
    await channels.channel('open').publish(0);
    proxy.answersLeft = 0;
    const error = (await channels
      .channel('open')
      .publish(1)
      .catch((reason: unknown) => reason)) as SseError;
    expect([error.code, error.message.includes('It may have been published')]).toEqual([
      'SSE_LOG_UNAVAILABLE',
      true,
    ]);
    const other = node(url);
    await other.channel('open').publish(2);
    const viewer = new Viewer(other, 'open', { from: 'oldest' });
    await viewer.until(2);
    expect(viewer.seen).toEqual([0, 1, 2]);
  });

  it('a rejection of an own ID whose answer was lost belongs to the first call, not to the second', async () => {
    const channels = node(proxy.url);
    proxy.answersLeft = 0;
    expect(await channels.channel('own').publish(event({ id: '7', data: 1 }))).toBe('7');
    await expect(channels.channel('own').publish(event({ id: '7', data: 1 }))).rejects.toMatchObject({
      code: 'SSE_ID_ORDER',
      context: { channel: 'own', id: '7', last: '7' },
    });
  });

  it('scripts that Redis has lost are loaded again, and the order holds', async () => {
    const channels = node(url);
    const viewer = new Viewer(channels, 'scripts');
    await viewer.ready;
    for (const n of numbers(0, 40)) {
      if (n % 7 === 3) await admin.scriptFlush();
      const call = channels.channel('scripts').publish(n);
      if (n % 2) await call;
    }
    await viewer.until(39);
    expect(viewer.seen).toEqual(numbers(0, 40));
  });

  it('subscribers catch up after their connection has broken', async () => {
    const viewer = new Viewer(node(proxy.url), 'cut');
    const channels = node(url);
    await viewer.ready;
    for (const n of numbers(0, 30)) {
      await channels.channel('cut').publish(n);
      if (n % 10 === 4) proxy.cut();
    }
    await viewer.until(29);
    expect(viewer.seen).toEqual(numbers(0, 30));
  });

  it('a log that is closed while it connects leaves no connection open', async () => {
    const channels = node(proxy.url);
    expect(channels.health().status).toBe('down');
    // A client of ioredis that is closed at once does not even begin to connect.
    if (clientName !== '@redis/client') await until(() => proxy.accepted === 2);
    await channels.close();
    await until(() => proxy.accepted === 2 && proxy.open === 0);
  });
});
