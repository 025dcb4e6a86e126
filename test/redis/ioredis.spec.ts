import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { Channels, event } from 'nestjs-event-stream';
import { redisLog, redisSlots } from 'nestjs-event-stream/redis';
import { eventLogContract } from 'nestjs-event-stream/testing';
import { describeRedis, describeRedisServer, removeKeys, testPrefix } from '../fixtures/redis.js';
import { loadIoredis5 } from '../fixtures/redis-client.mjs';
import { RedisProxy } from '../fixtures/redis-proxy.js';
import { RedisServer } from '../fixtures/redis-server.js';
import { Viewer, until } from './viewer.js';

const { Redis: Redis5 } = await loadIoredis5();
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

/** Options that change names, replies, or what happens to a command while the connection is away. */
const TRAPS: RedisOptions = {
  lazyConnect: true,
  keyPrefix: 'elsewhere:',
  stringNumbers: true,
  replyMapping: 'resp3' as never,
  enableAutoPipelining: true,
  showFriendlyErrorStack: true,
  commandTimeout: 1,
  connectionName: 'shop',
  maxRetriesPerRequest: 0,
  reconnectOnError: () => 2,
  retryStrategy: () => undefined,
  scripts: { get: { lua: 'return 1', numberOfKeys: 1 } },
};

await describeRedis('a client of ioredis', (url) => {
  const prefixes: string[] = [];
  const closing: { close(): unknown }[] = [];
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((each) => each.close()));
  });
  afterAll(async () => {
    for (const prefix of prefixes) await removeKeys(url, prefix);
  });
  const newPrefix = (): string => {
    const prefix = testPrefix();
    prefixes.push(prefix);
    return prefix;
  };

  const clients = [
    ['version 6', () => new Redis(url, { lazyConnect: true })],
    ['version 6 over RESP 2', () => new Redis(url, { lazyConnect: true, protocol: 2 })],
    ['version 6 with options that the library must not follow', () => new Redis(url, TRAPS as object)],
    ['version 5', () => new Redis5(url, { lazyConnect: true })],
    ['version 5 with such options', () => new Redis5(url, TRAPS as object)],
  ] as const;
  for (const [name, make] of clients) {
    eventLogContract(`redisLog, ${name}`, async (retention) => {
      const prefix = newPrefix();
      const logs = [0, 1].map(() => redisLog({ client: make(), prefix, ...retention }));
      for (const log of logs) await log.ready();
      return logs as [never, never];
    });
  }

  it('shares channels and places with a client of @redis/client', async () => {
    const prefix = newPrefix();
    const nodes = [url, new Redis(url, TRAPS as object)].map(
      (client) => new Channels({ log: redisLog({ client, prefix }) }),
    ) as [Channels, Channels];
    const stores = [url, new Redis(url, TRAPS as object)].map((client) => redisSlots({ client, prefix }));
    closing.push(...nodes, ...stores);
    const viewers = nodes.map((node) => new Viewer(node, 'c'));
    await Promise.all(viewers.map(({ ready }) => ready));
    for (const n of numbers(0, 20)) {
      await nodes[n % 2]!.channel('c').publish(event({ id: `${n}`, data: n }));
    }
    for (const viewer of viewers) {
      await viewer.until(19);
      expect(viewer.seen).toEqual(numbers(0, 20));
    }
    const replaced: number[] = [];
    const take = async (node: number, replaceOldest: boolean) => {
      const request = { key: 'k', max: 1, replaceOldest, onReplaced: () => void replaced.push(node) };
      return 'slot' in (await stores[node]!.acquire([request]));
    };
    expect([await take(0, false), await take(1, false), await take(1, true), await take(0, true)]).toEqual([
      true,
      false,
      true,
      true,
    ]);
    await until(() => replaced.length === 2);
    expect(replaced).toEqual([0, 1]);
  });

  it('is not connected, changed or closed', async () => {
    const own = new Redis(url, { lazyConnect: true, keyPrefix: 'own:' });
    const log = redisLog({ client: own, prefix: newPrefix() });
    await log.ready();
    expect(own.status).toBe('wait');
    log.close();
    expect(await own.ping()).toBe('PONG');
    expect(own.options.keyPrefix).toBe('own:');
    own.disconnect();
  });
});

describeRedisServer('a client of ioredis while its Redis is away', () => {
  it.each([
    ['6', () => new Redis({ host: '127.0.0.1', port: proxy.port, lazyConnect: true })],
    ['5', () => new Redis5({ host: '127.0.0.1', port: proxy.port, lazyConnect: true })],
  ])(
    'of version %s: a command whose answer was lost is not sent again behind the library',
    async (_, make) => {
      server = await RedisServer.start();
      proxy = await RedisProxy.start(server.url);
      const log = redisLog({ client: make(), waitMs: false });
      const channels = new Channels({ log });
      await channels.channel('c').publish(0);
      proxy.answersLeft = 0;
      await expect(channels.channel('c').publish(1)).rejects.toThrow('It may have been published');
      await until(() => log.health().status === 'up');
      const sent = (await calls(server)).get('evalsha');
      await channels.channel('c').publish(2);
      expect((await calls(server)).get('evalsha')).toBe(sent! + 1);
      await channels.close();
      expect(sent).toBe(2);
    },
  );
  let server: RedisServer;
  let proxy: RedisProxy;
  afterEach(async () => {
    proxy.close();
    await server.remove();
  });

  /** How often the server has run each command. */
  async function calls({ url }: RedisServer): Promise<Map<string, number>> {
    const admin = new Redis(url);
    const text = await admin.info('commandstats');
    admin.disconnect();
    return new Map(
      [...text.matchAll(/cmdstat_([a-z|]+):calls=(\d+)/g)].map(([, name, n]) => [name!, Number(n)]),
    );
  }

  it.each([
    ['6', (url: string) => new Redis(url, { lazyConnect: true })],
    ['5', (url: string) => new Redis5(url, { lazyConnect: true })],
  ])('of version %s: reports wrong credentials, and connects when they become right', async (_, make) => {
    server = await RedisServer.start();
    proxy = await RedisProxy.start(server.url);
    await server.ask('ACL SETUSER sse on >other ~* &* +@all', '+OK');
    const log = redisLog({ client: make(`redis://sse:secret@127.0.0.1:${server.port}`) });
    await expect(log.ready()).rejects.toMatchObject({
      code: 'SSE_LOG_UNAVAILABLE',
      message: expect.stringContaining('WRONGPASS') as string,
    });
    await server.ask('ACL SETUSER sse >secret', '+OK');
    await until(() => log.health().status === 'up');
    log.close();
  });
});

it('a cluster client of ioredis is not connected by redisLog()', () => {
  const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
  const log = redisLog({ client: cluster });
  log.close();
  expect(cluster.status).toBe('wait');
});
