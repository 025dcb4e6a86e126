import { postgresLog } from 'nestjs-event-stream/postgres';
import { runsListSuite } from '../contract/runs-list.suite.js';
import { describePostgres, testSchema } from '../fixtures/postgres.js';

await describePostgres('the list of runs in PostgreSQL', (url) => {
  const schema = testSchema();

  runsListSuite({
    makeLog: async () => {
      const log = postgresLog({ client: url, schema, createSchema: true });
      await log.ready();
      return log;
    },
  });
});
