import { postgresLog, postgresSlots } from 'nestjs-event-stream/postgres';
import { inspectorOfNodes } from '../fixtures/inspector-nodes.js';
import { describePostgres, testSchema } from '../fixtures/postgres.js';

await describePostgres('the inspector of several nodes with one PostgreSQL', (url) =>
  inspectorOfNodes(() => {
    const options = { client: url, schema: testSchema(), createSchema: true };
    return {
      log: () => postgresLog(options),
      slots: () => postgresSlots(options),
      // The suite drops its schemas.
      remove: async () => undefined,
    };
  }),
);
