import fc from 'fast-check';
import { redisLog, type RedisLog } from 'nestjs-event-stream/redis';
import { foldSteps, liveWithFold } from '../fixtures/fold-model.js';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';

/** `npm run test:folds` sets it. */
const RUNS = Number(process.env['FOLD_RUNS'] ?? 15);

await describeRedis('a state in Redis and the events after it', (url) => {
  const prefix = testPrefix();
  let channels = 0;
  let logs: RedisLog[] = [];
  afterEach(() => {
    for (const log of logs) log.close();
  });
  afterAll(async () => removeKeys(url, prefix));

  it.each([
    ['are the fold of all events, without a gap if the log keeps enough', 150],
    ['never lack an event without a gap, if the log keeps few events', 10],
  ])(
    '%s',
    async (_, maxEvents) => {
      logs = [0, 1, 2].map(() => redisLog({ client: redisClient(url), prefix, maxEvents, trim: 'exact' }));
      await Promise.all(logs.map(async (log) => log.ready()));
      let gaps = 0;
      await fc.assert(
        fc.asyncProperty(foldSteps, fc.nat(), async (steps, seed) => {
          const life = await liveWithFold(logs, steps, seed, `c${channels++}`);
          if (maxEvents > 100) expect(life.gaps).toBe(0);
          gaps += life.gaps;
        }),
        { numRuns: RUNS },
      );
      if (maxEvents < 100) expect(gaps).toBeGreaterThan(0);
    },
    RUNS * 4000,
  );
});
