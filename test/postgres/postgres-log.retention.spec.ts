import { Channels } from 'nestjs-event-stream';
import { postgresLog } from 'nestjs-event-stream/postgres';
import { describePostgres, runSql, testSchema } from '../fixtures/postgres.js';

await describePostgres('postgresLog with a function for "retention"', (url) => {
  const schema = testSchema();
  const names: string[] = [];
  let calls = 0;
  /** The rooms of an application. The function fails after the last one was removed. */
  const open = (failAfter: number): Channels =>
    new Channels({
      log: postgresLog({
        client: url,
        schema,
        createSchema: true,
        maxEvents: 50,
        retention: (channel) => {
          names.push(channel);
          if (++calls > failAfter) throw new Error('no such room');
          return { maxEvents: 5 };
        },
      }),
    });

  it.each([1, 2, 3, 4])('answers and trims although the function fails after call %d', async (failAfter) => {
    calls = 0;
    const channels = open(failAfter);
    // All go in one batch, which is sent after the last call for a check of sizes.
    const published = Array.from({ length: failAfter }, () => channels.channel('room').publish('x'));
    expect(await Promise.all(published)).toHaveLength(failAfter);
    await expect(channels.channel('room').publish('x')).rejects.toThrow('no such room');
    await channels.close();
  });

  it('trims a channel whose function fails to the limits of the log', async () => {
    calls = 0;
    const channels = open(200);
    const values = Array.from({ length: 100 }, (_, i) => `${i}`);
    for (const value of values) {
      calls = 199;
      await channels.channel('gone').publish(value);
    }
    await channels.close();
    const { rows } = await runSql(url, `SELECT FROM "${schema}".sse_events WHERE channel = 'gone'`);
    expect(rows.length).toBeGreaterThanOrEqual(50);
    expect(rows.length).toBeLessThan(75);
  });

  it('is called with names of channels only', () => {
    expect(new Set(names)).toEqual(new Set(['room', 'gone']));
  });
});
