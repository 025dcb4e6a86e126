import { Channels } from 'nestjs-event-stream';
import { redisLog, redisSlots } from 'nestjs-event-stream/redis';
import { eventLogContract } from 'nestjs-event-stream/testing';
import { RedisClusterServers } from '../fixtures/redis-cluster.js';
import { RedisProxy } from '../fixtures/redis-proxy.js';
import { describeRedisServer, testPrefix } from '../fixtures/redis.js';
import { Viewer, until } from './viewer.js';

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

describeRedisServer('on a Redis Cluster', () => {
  let cluster: RedisClusterServers;
  const closing: { close(): unknown }[] = [];
  beforeAll(async () => {
    cluster = await RedisClusterServers.start(3);
  }, 30_000);
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((each) => each.close()));
  });
  afterAll(() => cluster.remove());

  const open = (prefix: string): Channels => {
    const channels = new Channels({ log: redisLog({ client: cluster.client(), prefix, waitMs: 30_000 }) });
    closing.push(channels);
    return channels;
  };

  eventLogContract('redisLog, two nodes, three shards', async (retention) => {
    const prefix = testPrefix();
    const logs = [0, 1].map(() => redisLog({ client: cluster.client(), prefix, ...retention }));
    for (const log of logs) await log.ready();
    return logs as [never, never];
  });

  it('channels of all shards are published to and watched, alone and together', async () => {
    const prefix = testPrefix();
    const [a, b] = [open(prefix), open(prefix)];
    const names = numbers(0, 12).map((n) => `topic:${n}`);
    const viewers = names.map((name) => new Viewer(b, name));
    const all = b.subscribe(names);
    await Promise.all([all.ready, ...viewers.map(({ ready }) => ready)]);
    for (const n of numbers(0, 60)) await a.channel(names[n % 12] as string).publish(n);
    for (const [i, viewer] of viewers.entries()) {
      await viewer.until(48 + i);
      expect(viewer.seen).toEqual(numbers(0, 5).map((n) => n * 12 + i));
    }
    const seen: unknown[] = [];
    for await (const { data } of all) if (seen.push(data) === 60) break;
    expect(new Set(seen)).toEqual(new Set(numbers(0, 60)));
  });

  it('a slot that moves to another shard takes its channel with it: nothing is lost, repeated or a gap', async () => {
    const prefix = testPrefix();
    const [a, b] = [open(prefix), open(prefix)];
    const viewer = new Viewer(b, 'moving');
    await viewer.ready;
    const publishing = (async () => {
      for (const n of numbers(0, 400)) await a.channel('moving').publish(n);
    })();
    for (const mark of [50, 200]) {
      await until(() => viewer.seen.length > mark);
      await cluster.move(`${prefix}{moving}`);
    }
    await publishing;
    await viewer.until(399);
    expect(viewer.seen).toEqual(numbers(0, 400));
  }, 30_000);

  it('a shard that is killed and restarted with its data loses, repeats and skips nothing', async () => {
    const prefix = testPrefix();
    const [a, b] = [open(prefix), open(prefix)];
    const owner = await cluster.ownerOf(`${prefix}{dying}`);
    const viewer = new Viewer(b, 'dying');
    await viewer.ready;
    const publishing = (async () => {
      for (const n of numbers(0, 200)) await a.channel('dying').publish(n);
    })();
    await until(() => viewer.seen.length > 50);
    await owner.kill();
    await until(() => b.health().status === 'down');
    await owner.start();
    await publishing;
    await viewer.until(199);
    expect(viewer.seen).toEqual(numbers(0, 200));
    await until(() => b.health().status === 'up');
    // A shard that considers the cluster broken rejects the commands of the next tests.
    await cluster.agree();
  }, 30_000);

  it('replaces connections that are dead and idle, so that an event arrives', async () => {
    const proxies = await Promise.all(cluster.servers.map(({ url }) => RedisProxy.start(url)));
    closing.push(...proxies);
    const prefix = testPrefix();
    const a = open(prefix);
    const b = new Channels({ log: redisLog({ client: cluster.client(proxies), prefix, pingMs: 300 }) });
    closing.unshift(b);
    const names = numbers(0, 12).map((n) => `idle:${n}`);
    const viewers = names.map((name) => new Viewer(b, name));
    await Promise.all(viewers.map(({ ready }) => ready));
    const before = proxies.map(({ accepted }) => accepted);
    for (const proxy of proxies) proxy.stall();
    // The connections for commands, and those for subscriptions.
    await until(() => proxies.every(({ accepted }, i) => accepted >= (before[i] ?? 0) + 2));
    for (const [n, name] of names.entries()) await a.channel(name).publish(n);
    for (const [n, viewer] of viewers.entries()) await viewer.until(n);
    await until(() => b.health().status === 'up');
    await b.channel('idle:0').publish('from b');
    await viewers[0]?.until('from b');
    expect(viewers.map(({ seen }) => seen[0])).toEqual(numbers(0, 12));
  }, 30_000);

  it('slots hold over nodes and shards', async () => {
    const prefix = testPrefix();
    const replaced: string[] = [];
    const nodes = [0, 1].map(() => redisSlots({ client: cluster.client(), prefix }));
    closing.push(...nodes);
    const take = async (node: number, key: string, who: string, replaceOldest = false) => {
      const request = { key, max: 1, replaceOldest, onReplaced: () => void replaced.push(who) };
      const answer = await nodes[node]!.acquire([request, { ...request, key: `${key}-too` }]);
      return 'slot' in answer ? answer.slot : undefined;
    };
    for (const n of numbers(0, 8)) expect(await take(n % 2, `k${n}`, `a${n}`)).toBeDefined();
    for (const n of numbers(0, 8)) expect(await take((n + 1) % 2, `k${n}`, '')).toBeUndefined();
    for (const n of numbers(0, 8)) expect(await take((n + 1) % 2, `k${n}`, '', true)).toBeDefined();
    await until(() => replaced.length === 16);
    expect(replaced.sort()).toEqual(numbers(0, 8).flatMap((n) => [`a${n}`, `a${n}`]));
  });
});
