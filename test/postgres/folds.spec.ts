import fc from 'fast-check';
import { postgresLog, type PostgresLog } from 'nestjs-event-stream/postgres';
import { foldSteps, liveWithFold } from '../fixtures/fold-model.js';
import { describePostgres, testSchema } from '../fixtures/postgres.js';

/** `npm run test:folds` sets it. */
const RUNS = Number(process.env['FOLD_RUNS'] ?? 10);

await describePostgres('a state in PostgreSQL and the events after it', (url) => {
  let channels = 0;
  let logs: PostgresLog[] = [];
  afterEach(() => {
    for (const log of logs) log.close();
  });

  it.each([
    ['are the fold of all events, without a gap if the log keeps enough', 150],
    ['never lack an event without a gap, if the log keeps few events', 10],
  ])(
    '%s',
    async (_, maxEvents) => {
      const schema = testSchema();
      logs = [];
      for (let i = 0; i < 3; i++) {
        const log = postgresLog({ client: url, schema, createSchema: true, maxEvents });
        logs.push(log);
        await log.ready();
      }
      await fc.assert(
        fc.asyncProperty(foldSteps, fc.nat(), async (steps, seed) => {
          const life = await liveWithFold(logs, steps, seed, `c${channels++}`);
          if (maxEvents > 100) expect(life.gaps).toBe(0);
        }),
        { numRuns: RUNS },
      );
    },
    RUNS * 8000,
  );
});
