import { Channels, Runs, memoryLog, type EventLog } from 'nestjs-event-stream';
import { TestNodes } from '../../test/fixtures/nodes.js';

const MINUTE_MS = 60_000;

describe('runs.retention', () => {
  async function afterAnHour(retention: object | undefined): Promise<unknown[]> {
    const nodes = new TestNodes({ maxAgeMs: 10 * MINUTE_MS, maxEvents: 3 });
    const { runs } = nodes.add({ retention }, 'direct');
    await runs.start('r', () => ['1', '2', '3', '4', '5']);
    await nodes.advance(1000);
    await nodes.advance(60 * MINUTE_MS, MINUTE_MS);
    const status = await runs.status('r');
    if (status === undefined) return [];
    const seen: unknown[] = [status];
    for await (const { type, data } of await runs.attach('r')) seen.push(type ?? data);
    return seen;
  }

  it('keeps events, and the end of a run, for longer than other channels', async () => {
    expect(await afterAnHour(undefined)).toEqual([]);
    const retention = { maxAgeMs: 120 * MINUTE_MS, maxEvents: 100 };
    expect(await afterAnHour(retention)).toEqual(['completed', '1', '2', '3', '4', '5']);
  });

  it('keeps them for less time, but the state of a run until its lease was renewed', async () => {
    const nodes = new TestNodes({ maxAgeMs: 60 * MINUTE_MS });
    const options = { retention: { maxAgeMs: 1000 }, leaseMs: 10_000 };
    const [a, b] = [nodes.add(options, 'direct'), nodes.add(options, 'direct')];
    await a.runs.start('r', () => new Promise<string>(() => undefined));
    await nodes.advance(5 * MINUTE_MS, 1000);
    expect([await a.runs.status('r'), await b.runs.status('r')]).toEqual(['running', 'running']);
  });

  it('counts less than the retention of the log', async () => {
    const log = memoryLog({
      retention: (channel) => (channel.startsWith('run') ? { maxEvents: 2 } : undefined),
    });
    const channels = new Channels({ log });
    const runs = new Runs(channels, { retention: { maxEvents: 100 } });
    await runs.start('r', () => ['1', '2', '3', '4', '5']);
    while ((await runs.status('r')) === 'running') await new Promise(setImmediate);
    const seen: unknown[] = [];
    for await (const { type, data } of await runs.attach('r')) seen.push(type ?? data);
    expect(seen).toEqual(['gap', '5']);
    await runs.close();
    await channels.close();
  });

  it.each([
    [{ maxEvents: 0 }, 'retention.maxEvents'],
    [{ maxAge: 5 }, 'retention.maxAge'],
    [3, 'retention'],
  ])('rejects %j', (retention, option) => {
    const make = () => new Runs(new Channels({ log: memoryLog() }), { retention: retention as object });
    expect(make).toThrow(expect.objectContaining({ code: 'SSE_INVALID_OPTIONS' }));
    expect(make).toThrow(option);
  });

  it('rejects a log that cannot do it', () => {
    const log: EventLog = Object.assign(memoryLog(), { retain: undefined });
    expect(() => new Runs(new Channels({ log }), { retention: { maxEvents: 10 } })).toThrow(
      'The option "retention" needs a log that has the method retain(). Set the retention where you create the log.',
    );
  });
});
