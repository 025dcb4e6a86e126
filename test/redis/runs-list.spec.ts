import { redisLog } from 'nestjs-event-stream/redis';
import { runsListSuite } from '../contract/runs-list.suite.js';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';

await describeRedis('the list of runs in Redis', (url) => {
  const prefix = testPrefix();
  afterAll(() => removeKeys(url, prefix));

  runsListSuite({ makeLog: () => redisLog({ client: redisClient(url), prefix }) });
});
