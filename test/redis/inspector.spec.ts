import { redisLog, redisSlots } from 'nestjs-event-stream/redis';
import { inspectorOfNodes } from '../fixtures/inspector-nodes.js';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';

await describeRedis('the inspector of several nodes with one Redis', (url) =>
  inspectorOfNodes(() => {
    const options = { client: { url }, prefix: testPrefix() };
    return {
      log: () => redisLog(options),
      slots: () => redisSlots(options),
      remove: () => removeKeys(url, options.prefix),
    };
  }),
);
