import { postgresLog, type PostgresLog } from 'nestjs-event-stream/postgres';
import { eventLogContract } from 'nestjs-event-stream/testing';
import { describePostgres, testSchema } from '../fixtures/postgres.js';

await describePostgres('on a PostgreSQL', (url) => {
  eventLogContract('postgresLog, two nodes', async (retention) => {
    const schema = testSchema();
    const logs: PostgresLog[] = [];
    for (let i = 0; i < 2; i++) {
      const log = postgresLog({ client: url, schema, createSchema: true, ...retention });
      await log.ready();
      logs.push(log);
    }
    return logs as [never, never];
  });
});
