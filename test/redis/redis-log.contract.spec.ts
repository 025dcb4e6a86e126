import { RESP_TYPES, createClient } from '@redis/client';
import { redisLog } from 'nestjs-event-stream/redis';
import { eventLogContract } from 'nestjs-event-stream/testing';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';

await describeRedis('on a Redis', (url) => {
  const prefixes: string[] = [];
  afterAll(async () => {
    for (const prefix of prefixes) await removeKeys(url, prefix);
  });

  for (const trim of ['approximate', 'exact'] as const) {
    eventLogContract(`redisLog, two nodes, ${trim}`, async (retention) => {
      const prefix = testPrefix();
      prefixes.push(prefix);
      const logs = [0, 1].map(() => redisLog({ client: redisClient(url), prefix, trim, ...retention }));
      for (const log of logs) await log.ready();
      return logs as [never, never];
    });
  }

  const own = createClient({
    url,
    RESP: 2,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    keyPrefix: 'elsewhere:',
  });
  eventLogContract('redisLog over RESP 2, made of a client that answers in buffers', async (retention) => {
    const prefix = testPrefix();
    prefixes.push(prefix);
    const logs = [0, 1].map(() => redisLog({ client: own, prefix, ...retention }));
    for (const log of logs) await log.ready();
    return logs as [never, never];
  });

  it('a client of the application is not changed, and not closed', async () => {
    expect(own.isOpen).toBe(false);
    await own.connect();
    const log = redisLog({ client: own, prefix: testPrefix() });
    await log.ready();
    log.close();
    expect(String(await own.ping())).toBe('PONG');
    own.destroy();
  });
});
