import { createSentinel } from '@redis/client';
import { Channels } from 'nestjs-event-stream';
import { redisLog, redisSlots } from 'nestjs-event-stream/redis';
import { ioredisSentinel } from '../fixtures/redis-client.mjs';
import { describeRedisServer } from '../fixtures/redis.js';
import { RedisProxy } from '../fixtures/redis-proxy.js';
import { RedisServer } from '../fixtures/redis-server.js';
import { Viewer, until } from './viewer.js';

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

describeRedisServer('redisLog under sentinels', () => {
  const servers: RedisServer[] = [];
  const closing: { close(): unknown }[] = [];
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((each) => each.close()));
    for (const server of servers.splice(0)) await server.remove();
  });

  /** A client of the master. With a proxy, it connects to it through this. */
  function clientOf(sentinel: RedisServer, master?: RedisServer, proxy?: RedisProxy) {
    const nodeAddressMap = master &&
      proxy && { [`127.0.0.1:${master.port}`]: { host: '127.0.0.1', port: proxy.port } };
    return (
      ioredisSentinel(sentinel.port, nodeAddressMap && { natMap: nodeAddressMap }) ??
      createSentinel({
        name: 'master',
        sentinelRootNodes: [{ host: '127.0.0.1', port: sentinel.port }],
        ...(nodeAddressMap && { nodeAddressMap }),
      })
    );
  }

  function channelsOf(client: ReturnType<typeof clientOf>, options: object = {}): Channels {
    const channels = new Channels({ log: redisLog({ client, waitMs: 30_000, ...options }) });
    closing.push(channels);
    return channels;
  }

  it('replaces connections that are dead and idle, so that an event arrives, and an append gets its answer', async () => {
    const master = await RedisServer.start();
    const sentinel = await RedisServer.startSentinel(master);
    servers.push(sentinel, master);
    const proxy = await RedisProxy.start(master.url);
    closing.push(proxy);
    const a = channelsOf(clientOf(sentinel));
    const b = channelsOf(clientOf(sentinel, master, proxy), { pingMs: 300 });
    const slots = redisSlots({ client: clientOf(sentinel, master, proxy), pingMs: 300, leaseMs: 3_600_000 });
    closing.push(slots);
    const viewers = numbers(0, 3).map((n) => new Viewer(b, `c${n}`));
    await Promise.all(viewers.map(({ ready }) => ready));
    let isReplaced = false;
    const request = { key: 'k', max: 1, replaceOldest: true, onReplaced: () => void (isReplaced = true) };
    await slots.acquire([request]);
    await b.channel('c0').publish('first');
    for (const [last, isAll] of [
      ['second', true],
      ['third', false],
      ['fourth', true],
    ] as const) {
      const before = proxy.accepted;
      if (isAll) proxy.stall();
      else proxy.stallSubscribers();
      const pending = b.channel('c1').publish(last);
      // Connections of the log and of the slots. `createSentinel()` has to make all of them again.
      await until(() => proxy.accepted >= before + (isAll ? 4 : 2));
      for (const [n, viewer] of viewers.entries()) {
        await a.channel(`c${n}`).publish(`${last}!`);
        await viewer.until(`${last}!`);
      }
      await pending;
      await viewers[1]?.until(last);
      await until(() => b.health().status === 'up');
    }
    const others = redisSlots({ client: clientOf(sentinel), leaseMs: 3_600_000 });
    closing.push(others);
    await others.acquire([{ ...request, onReplaced: () => undefined }]);
    await until(() => isReplaced);
    expect(viewers.map(({ seen }) => seen.filter((value) => String(value).endsWith('!')))).toEqual(
      viewers.map(() => ['second!', 'third!', 'fourth!']),
    );
    expect(viewers[1]?.seen.filter((value) => !String(value).endsWith('!'))).toEqual([
      'second',
      'third',
      'fourth',
    ]);
  }, 40_000);

  it('follows a failover: acknowledged events arrive once and in order, or a gap reports a loss', async () => {
    const master = await RedisServer.start();
    const replica = await RedisServer.start('--replicaof', '127.0.0.1', `${master.port}`);
    const sentinel = await RedisServer.startSentinel(master);
    servers.push(sentinel, replica, master);
    const open = () => channelsOf(clientOf(sentinel));
    const [a, b] = [open(), open()];
    const viewer = new Viewer(b, 'c');
    await viewer.ready;
    /** For each value, the number of events that the viewer had seen when it was published. */
    const seenBefore: number[] = [];
    let last = Infinity;
    const publishing = (async () => {
      while (seenBefore.length < last) await a.channel('c').publish(seenBefore.push(viewer.seen.length) - 1);
    })();
    await until(() => viewer.seen.length > 100);
    await sentinel.until('SENTINEL FAILOVER master', '+OK');
    await replica.until('SET role master', '+OK');
    last = seenBefore.length + 200;
    await publishing;
    await viewer.until(last - 1);
    let previous = -1;
    for (const [i, seen] of viewer.seen.entries()) {
      // After a gap all kept events are sent again, without the lost ones.
      if (seen === 'gap') previous = -1;
      else {
        expect(seen).toBeGreaterThan(previous);
        for (let missing = previous + 1; missing < (seen as number); missing++) {
          const since = viewer.seen.slice(seenBefore[missing], i);
          expect([missing, since.includes('gap')]).toEqual([missing, true]);
        }
        previous = seen as number;
      }
    }
    expect(previous).toBe(last - 1);
  }, 40_000);
});
