import { writeSync } from 'node:fs';
import { postgresLog } from 'nestjs-event-stream/postgres';
import { closeApps, makeApp } from '../e2e/adapters.js';
import { CHATS, ChatsController, runChats, seeded } from '../fixtures/ai-chats.js';
import { describePostgres, testSchema } from '../fixtures/postgres.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';

await describePostgres('chats of the AI SDK on two nodes', (client) => {
  const schema = testSchema();
  afterEach(closeApps);

  it('every tab shows the text of the source once, whatever node each of its requests reaches', async () => {
    const logger = new RecordingLogger();
    const node = (adapter: 'express' | 'fastify') =>
      makeApp(adapter, {
        controllers: [ChatsController],
        logger,
        forceCloseConnections: true,
        sse: { log: postgresLog({ client, schema, createSchema: true }) },
      });
    const seed = Date.now() % 1_000_000;
    const figures = await runChats(CHATS, [await node('express'), await node('fastify')], seeded(seed));
    if (process.env['CHATS']) writeSync(2, `two nodes on PostgreSQL: ${JSON.stringify(figures)}\n`);
    expect({ seed, faults: figures.faults }).toEqual({ seed, faults: [] });
    expect(figures.chats).toBe(CHATS);
    expect(logger.errors).toEqual([]);
  });
});
