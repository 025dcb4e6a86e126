import { redisLog } from 'nestjs-event-stream/redis';
import { eventLogContract } from '../contract/event-log.contract.js';
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
      const logs = [0, 1].map(() => redisLog({ client: url, prefix, trim, ...retention })) as [never, never];
      for (const log of logs as ReturnType<typeof redisLog>[]) await log.ready();
      return logs;
    });
  }
});
