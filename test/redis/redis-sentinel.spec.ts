import { createSentinel } from '@redis/client';
import { Channels } from 'nestjs-event-stream';
import { redisLog } from 'nestjs-event-stream/redis';
import { describeRedisServer } from '../fixtures/redis.js';
import { RedisServer } from '../fixtures/redis-server.js';
import { Viewer, until } from './viewer.js';

describeRedisServer('redisLog under sentinels', () => {
  const servers: RedisServer[] = [];
  const closing: Channels[] = [];
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((channels) => channels.close()));
    for (const server of servers.splice(0)) await server.remove();
  });

  it('follows a failover: acknowledged events arrive once and in order, or a gap reports a loss', async () => {
    const master = await RedisServer.start();
    const replica = await RedisServer.start('--replicaof', '127.0.0.1', `${master.port}`);
    const sentinel = await RedisServer.startSentinel(master);
    servers.push(sentinel, replica, master);
    const open = (): Channels => {
      const client = createSentinel({
        name: 'master',
        sentinelRootNodes: [{ host: '127.0.0.1', port: sentinel.port }],
      });
      const channels = new Channels({ log: redisLog({ client, waitMs: 30_000 }) });
      closing.push(channels);
      return channels;
    };
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
