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

  it('follows a failover: everything acknowledged comes once and in order, or a gap says that something went', async () => {
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
    let published = 0;
    let last = Infinity;
    const publishing = (async () => {
      while (published < last) await a.channel('c').publish(published++);
    })();
    await until(() => viewer.seen.length > 100);
    await sentinel.until('SENTINEL FAILOVER master', '+OK');
    await replica.until('SET role master', '+OK');
    last = published + 200;
    await publishing;
    await viewer.until(last - 1);
    let expected = 0;
    for (const seen of viewer.seen) {
      // After a gap everything that is kept comes again.
      if (seen === 'gap') expected = NaN;
      else {
        if (!Number.isNaN(expected)) expect(seen).toBe(expected);
        expected = (seen as number) + 1;
      }
    }
  }, 40_000);
});
