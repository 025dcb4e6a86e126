import { createClient, type RedisClientType } from '@redis/client';
import { Channels } from 'nestjs-event-stream';
import { redisLog, type RedisLog } from 'nestjs-event-stream/redis';
import { toRecord } from '../../src/log/log-record.js';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';
import { Viewer } from './viewer.js';

const ALL = { events: 1000, bytes: 1_000_000 };
const records = (...values: unknown[]) => values.map((value) => toRecord(value, undefined));

await describeRedis('epochs of a Redis log', (url) => {
  const prefix = testPrefix();
  let admin: RedisClientType;
  let logs: RedisLog[] = [];
  let names = 0;
  let name = '';
  const key = (what: string) => `${prefix}{${name}}:${what}`;

  function open(): RedisLog {
    const log = redisLog({ client: redisClient(url), prefix });
    logs.push(log);
    return log;
  }

  type State = Record<'log' | 'meta', string>;
  async function snapshot(): Promise<State> {
    const bytes = admin.withTypeMapping({ 36: Buffer });
    return { log: await bytes.dump(key('log')), meta: await bytes.dump(key('meta')) } as unknown as State;
  }
  /** Restores an older state, as a failover does. */
  async function restore(state: State): Promise<void> {
    const commands = admin.multi();
    for (const what of ['log', 'meta'] as const) {
      commands.addCommand(['RESTORE', key(what), '0', state[what] as never, 'REPLACE']);
    }
    await commands.exec();
  }

  beforeAll(async () => {
    admin = createClient({ url });
    await admin.connect();
  });
  beforeEach(() => (name = `c${names++}`));
  afterEach(() => {
    for (const log of logs.splice(0)) log.close();
    logs = [];
  });
  afterAll(async () => {
    admin.destroy();
    await removeKeys(url, prefix);
  });

  it('sort as text in the order in which they began, for any cause', async () => {
    const log = open();
    const positions: string[] = [await log.tail(name)];
    const append = async (...values: unknown[]) => {
      positions.push(...(await log.append(name, records(...values))));
    };
    await append(1, 2);
    const older = await snapshot();
    await append(3, 4, 5);
    await restore(older);
    await append(6);
    await admin.del(key('meta'));
    await append(7);
    await admin.del([key('meta'), key('log')]);
    await append(8);
    await restore(older);
    positions.push(await log.tail(name));
    await append(9);
    await admin.del([key('meta'), key('log')]);
    positions.push(await log.tail(name));
    await append(10);
    expect(positions).toEqual([...positions].sort());
    expect(new Set(positions.map((position) => position.split('-')[0])).size).toBeGreaterThan(5);
  });

  it('an older epoch that returns after two failovers is a gap for clients that had seen only that one', async () => {
    const [log, other] = [open(), open()];
    const [first] = await log.append(name, records(1));
    await log.append(name, records(2));
    const older = await snapshot();
    const before = await log.append(name, records(3));
    // The first failover: 3 is lost, and a new epoch begins.
    await restore(older);
    const [fourth] = await log.append(name, records(4));
    expect((await other.read(name, before[0], ALL)).gap).toBe(true);
    // The second failover restores the first epoch. The events acknowledged in the second epoch are lost.
    await restore(older);
    const [fifth] = await log.append(name, records(5));
    for (const after of [first, before[0], fourth]) {
      for (const node of [log, other, open()]) expect((await node.read(name, after, ALL)).gap).toBe(true);
    }
    expect(fifth! > fourth! && fourth! > before[0]!).toBe(true);
    expect((await other.read(name, fifth, ALL)).gap).toBe(false);
  });

  it('events that the old master acknowledged after a new epoch began are reported to readers of that epoch', async () => {
    const [writer, reader] = [open(), open()];
    await writer.append(name, records(1, 2));
    const replica = await snapshot();
    const [third] = await writer.append(name, records(3));
    expect(await reader.tail(name)).toBe(third);
    const master = await snapshot();
    // The failover: the reader switches to the replica first, and begins an epoch there.
    await restore(replica);
    const after = await reader.read(name, third, ALL);
    expect([after.gap, after.entries.length]).toEqual([true, 2]);
    const promoted = await snapshot();
    // The old master continues to acknowledge the writer's events, until the writer switches as well.
    await restore(master);
    await writer.append(name, records(4, 5));
    await restore(promoted);
    await writer.append(name, records(6));
    expect((await reader.read(name, after.entries[1]!.position, ALL)).gap).toBe(true);
  });

  it('an older epoch that returns is a gap for a viewer, also if a node that does not know it publishes there', async () => {
    const watching = new Channels({ log: open() });
    const ignorant = open();
    await watching.channel(name).publish([1, 2]);
    const older = await snapshot();
    await watching.channel(name).publish(3);
    await restore(older);
    await watching.channel(name).publish(4);
    const viewer = new Viewer(watching, name);
    await viewer.ready;
    await restore(older);
    await ignorant.append(name, records(5));
    await viewer.until(5);
    expect(viewer.seen).toEqual(['gap', 1, 2, 5]);
    await watching.close();
  });
});
