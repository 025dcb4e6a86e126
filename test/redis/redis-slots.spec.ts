import { createClient, type RedisClientType } from '@redis/client';
import { RELEASE_SCRIPT } from '../../src/redis/slots/slots.script.js';
import { redisSlots } from 'nestjs-event-stream/redis';
import { SlotNode, slotOutageSuite, slotSuite, type StoreOptions } from '../contract/slots.suite.js';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedis, describeRedisServer, removeKeys, testPrefix } from '../fixtures/redis.js';
import { RedisServer } from '../fixtures/redis-server.js';
import { ManualClock } from '../fixtures/manual-clock.js';
import { until as waitUntil } from './viewer.js';

await describeRedis('redisSlots', (url) => {
  const prefixes: string[] = [];
  const nodes: SlotNode[] = [];
  let admin: RedisClientType;
  let prefix = '';

  function node(options: StoreOptions = {}): SlotNode {
    const made = new SlotNode(redisSlots({ client: redisClient(url), prefix, ...options }));
    nodes.push(made);
    return made;
  }

  beforeAll(async () => {
    admin = createClient({ url });
    await admin.connect();
  });
  beforeEach(() => prefixes.push((prefix = testPrefix())));
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((each) => each.close()));
  });
  afterAll(async () => {
    admin.destroy();
    for (const each of prefixes) await removeKeys(url, each);
  });

  slotSuite(() => {
    const names = (key: string) =>
      [`${prefix}{slots}:${key}:until`, `${prefix}{slots}:${key}:since`] as const;
    return {
      store: (options) => redisSlots({ client: redisClient(url), prefix, ...options }),
      async leases(key) {
        const [until, since] = names(key);
        const answer = await admin.multi().zRange(until, 0, -1).zRange(since, 0, -1).exec();
        const [held, order] = answer as unknown as [string[], string[]];
        expect([...order].sort()).toEqual([...held].sort());
        return order;
      },
      expired: (key) => admin.zRangeByScore(names(key)[0], '-inf', Date.now()),
      expire: async (key, value) => void (await admin.zAdd(names(key)[0], { score: 1, value })),
      lose: async (key) => void (await admin.del([...names(key)])),
    };
  });

  describe('a lease', () => {
    const until = (): string => `${prefix}{slots}:k:until`;
    const since = (): string => `${prefix}{slots}:k:since`;

    it('is renewed for leaseMs, with the keys that hold it', async () => {
      const clock = new ManualClock();
      const a = node({ clock, leaseMs: 60_000, pingMs: false });
      await a.take('k', 1);
      const [lease = ''] = await admin.zRange(until(), 0, -1);
      const [ends, from] = [await admin.zScore(until(), lease), await admin.zScore(since(), lease)];
      await admin.zAdd(until(), { score: ends! - 30_000, value: lease });
      for (const key of [until(), since()]) await admin.pExpire(key, 30_000);
      clock.advance(20_000);
      while ((await admin.zScore(until(), lease))! < ends!) await new Promise(setImmediate);
      expect(await admin.zScore(since(), lease)).toBe(from);
      for (const key of [until(), since()]) expect(await admin.pTTL(key)).toBeGreaterThan(60_000);
      // And again.
      await admin.zAdd(until(), { score: ends! - 30_000, value: lease });
      clock.advance(20_000);
      while ((await admin.zScore(until(), lease))! < ends!) await new Promise(setImmediate);
    });

    it('half of which was removed takes no place permanently', async () => {
      const [a, b] = [node(), node()];
      await a.take('k', 1);
      // As a process left it that died between two commands.
      await admin.zRem(until(), await admin.zRange(until(), 0, -1));
      expect(await b.take('k', 1)).toBeDefined();
      await b.take('k', 1, '', true);
      expect([await admin.zCard(until()), await admin.zCard(since())]).toEqual([1, 1]);
    });

    it('whose order was lost can be evicted', async () => {
      const [a, b] = [node(), node()];
      await a.take('k', 1, 'a');
      await admin.del(since());
      await b.take('k', 1, 'b', true);
      await waitUntil(() => a.replaced.length > 0);
      expect(await admin.zRange(until(), 0, -1)).toEqual(await admin.zRange(since(), 0, -1));
    });

    it('of 20,000 others can be granted when the limit is lowered', async () => {
      const a = node();
      await a.take('k', 20_000);
      const far = Date.now() + 600_000;
      for (let i = 0; i < 20; i++) {
        const part = Array.from({ length: 1000 }, (_, n) => ({ score: far, value: `gone:${i * 1000 + n}` }));
        await admin.zAdd(until(), part);
        await admin.zAdd(since(), part);
      }
      expect(await a.take('k', 3, '', true)).toBeDefined();
      expect([await admin.zCard(until()), await admin.zCard(since())]).toEqual([3, 3]);
    });
  });
});

describeRedisServer('redisSlots while its Redis is away', () => {
  slotOutageSuite(async () => {
    const server = await RedisServer.start();
    return {
      store: (options) => redisSlots({ client: redisClient(server.url), ...options }),
      kill: () => server.kill(),
      start: () => server.start(),
      save: () => server.save(),
      freeze: () => server.freeze(),
      resume: () => server.resume(),
      loseLeases: () => server.ask('FLUSHALL', '+OK'),
      /** All scripts but one: the others are sent a second time, after a release that follows them. */
      async forget() {
        await server.ask('SCRIPT FLUSH', '+OK');
        const admin = createClient({ url: server.url });
        await admin.connect();
        await admin.scriptLoad(RELEASE_SCRIPT.source);
        admin.destroy();
      },
      remove: () => server.remove(),
    };
  });
});
