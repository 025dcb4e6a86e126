import { Channels } from 'nestjs-event-stream';
import { postgresLog, postgresSlots } from 'nestjs-event-stream/postgres';
import pg from 'pg';
import { describePostgres, testSchema } from '../fixtures/postgres.js';
import { Viewer } from '../redis/viewer.js';

type Parser = (text: string) => unknown;

/** The number of the type `bigint`. */
const INT8 = 20;

await describePostgres('a pool with parsers of its own for the types of PostgreSQL', (url) => {
  let closing: { close(): unknown }[] = [];
  afterEach(async () => {
    await Promise.all(closing.map((each) => each.close()));
    closing = [];
  });

  it.each<[string, (oid: number) => Parser | undefined]>([
    ['that return the text', () => (text) => text],
    ['that return bigints', (oid) => (oid === INT8 ? BigInt : undefined)],
  ])('%s', async (_, parserOf) => {
    const types = {
      getTypeParser: (oid: number, format: never): Parser =>
        parserOf(oid) ?? (pg.types.getTypeParser(oid, format) as Parser),
    };
    const pool = new pg.Pool({ connectionString: url, types: types as never });
    const options = { client: pool, schema: testSchema(), createSchema: true };
    const fold = { initial: 0, step: (sum: number) => sum + 1, toEvents: (sum: number) => [sum], every: 1 };
    const channels = new Channels({ log: postgresLog(options) });
    closing.push(channels);
    const channel = channels.channel<unknown>('a', { fold });
    const viewer = new Viewer(channels, 'b', { from: 'oldest' });
    await viewer.ready;
    for (const value of [1, 2, 3]) {
      await channel.publish(value);
      await channels.channel('b').publish(value);
    }
    await viewer.until(3);
    expect(viewer.seen).toEqual([1, 2, 3]);
    expect((await channel.subscribe().next()).value?.data).toBe(3);
    expect(await channels.log.kept?.('b')).toMatchObject({ events: 3 });
    await viewer.leave();
    const store = postgresSlots({ ...options, whileAway: 'refuse' });
    closing.push(store);
    const request = { key: 'k', max: 1, replaceOldest: false, onReplaced: () => undefined };
    expect(await store.acquire([request])).toHaveProperty('slot');
    expect(await store.acquire([request])).toHaveProperty('full');
  });
});
