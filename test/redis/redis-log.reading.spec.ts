import { createClient, type RedisClientType } from '@redis/client';
import { Channels } from 'nestjs-event-stream';
import { redisLog, type RedisLog, type RedisLogOptions } from 'nestjs-event-stream/redis';
import { toRecord } from '../../src/log/log-record.js';
import { ManualClock } from '../fixtures/manual-clock.js';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';
import { Viewer } from './viewer.js';

const ALL = { events: 1000, bytes: 1_000_000 };
const records = (...values: unknown[]) => values.map((value) => toRecord(value, undefined));

await describeRedis('reading a channel that does not exist', (url) => {
  const prefixes: string[] = [];
  const logs: RedisLog[] = [];
  let admin: RedisClientType;
  let prefix = '';

  function open(options: Partial<RedisLogOptions> = {}): RedisLog {
    const log = redisLog({ client: redisClient(url), prefix, ...options });
    logs.push(log);
    return log;
  }
  const keys = () => admin.keys(`${prefix}*`);

  beforeAll(async () => {
    admin = createClient({ url });
    await admin.connect();
  });
  beforeEach(() => prefixes.push((prefix = testPrefix())));
  afterEach(() => {
    for (const log of logs.splice(0)) log.close();
  });
  afterAll(async () => {
    admin.destroy();
    for (const each of prefixes) await removeKeys(url, each);
  });

  it('creates no keys, also when read by a subscription', async () => {
    const log = open();
    const channels = new Channels({ log });
    for (let i = 0; i < 50; i++) {
      const tail = await log.tail(`c${i}`);
      const { from } = await log.read(`c${i}`, undefined, ALL);
      for (const after of [tail, from, 'unknown-1', '']) await log.read(`c${i}`, after, ALL);
      expect(await log.locate(`c${i}`, '7')).toBeUndefined();
      const subscription = channels.channel(`c${i}`).subscribe();
      await subscription.ready;
      subscription.close();
    }
    expect(await keys()).toEqual([]);
    await channels.close();
  });

  it('takes a read or two for each subscription that waits for the first event, and not one for each of the others', async () => {
    const log = open();
    const { read } = log;
    let reads = 0;
    log.read = (...args) => (reads++, read.apply(log, args));
    const channels = new Channels({ log });
    const viewers = Array.from({ length: 200 }, () => new Viewer(channels, 'c'));
    await Promise.all(viewers.map(({ ready }) => ready));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(reads).toBeLessThanOrEqual(2 * viewers.length);
    const before = reads;
    await channels.channel('c').publish('first');
    await Promise.all(viewers.map((viewer) => viewer.until('first')));
    expect(reads - before).toBeLessThanOrEqual(2 * viewers.length);
    for (const { seen } of viewers) expect(seen).toEqual(['first']);
    await channels.close();
  });

  it('returns a position that the first event follows, on any node, without a gap', async () => {
    const [log, other] = [open(), open()];
    const tail = await log.tail('c');
    const { from } = await other.read('c', undefined, ALL);
    const positions = await other.append('c', records(1, 2));
    for (const after of [tail, from]) {
      const slice = await log.read('c', after, ALL);
      expect([slice.gap, slice.from, slice.entries.map(({ position }) => position)]).toEqual([
        false,
        after,
        positions,
      ]);
      expect(after < positions[0]!).toBe(true);
    }
  });

  it('returns a position that is a gap once an event after it was evicted', async () => {
    const log = open({ maxEvents: 2, trim: 'exact' });
    const tail = await log.tail('c');
    await log.append('c', records(1, 2, 3));
    const slice = await log.read('c', tail, ALL);
    expect([slice.gap, slice.entries.length]).toEqual([true, 2]);
  });

  it('returns a position that is a gap once an event after it was lost and a node knows of it', async () => {
    const [log, other] = [open(), open()];
    const tail = await log.tail('c');
    await other.append('c', records(1));
    await admin.del(await keys());
    // The node that had published reports the loss to Redis, and Redis to all others.
    await other.append('c', records(2));
    const slice = await log.read('c', tail, ALL);
    expect([slice.gap, slice.entries.length]).toEqual([true, 1]);
    expect((await other.read('c', slice.from, ALL)).gap).toBe(false);
  });

  it('is a gap at once on a node that knows of a loss, and causes no loop', async () => {
    const log = open();
    const tail = await log.tail('c');
    const [position] = await log.append('c', records(1));
    await admin.del(await keys());
    for (const after of [tail, position]) {
      const slice = await log.read('c', after, ALL);
      expect([slice.gap, slice.entries.length]).toEqual([true, 0]);
      const { gap } = await log.read('c', slice.from, ALL);
      expect(gap).toBe(false);
      await log.append('d', records(1));
    }
    expect((await keys()).filter((key) => key.includes('{c}'))).toEqual([]);
  });

  it('returns a position that is a gap when Redis may have forgotten the events after it', async () => {
    const log = open({ maxAgeMs: 20, forgetMs: 20 });
    const tail = await log.tail('c');
    expect((await log.read('c', tail, ALL)).gap).toBe(false);
    while ((await log.tail('c')).slice(1, 11) < after(tail, 45_000)) await new Promise(setImmediate);
    const slice = await log.read('c', tail, ALL);
    expect([slice.gap, slice.entries.length]).toEqual([true, 0]);
  });

  it('creates it once it has been watched for a while, so that its watchers neither miss a gap nor get one', async () => {
    const clock = new ManualClock();
    const log = open({ clock, pingMs: false, maxAgeMs: 30_000, forgetMs: 30_000 });
    const channels = new Channels({ log });
    const viewer = new Viewer(channels, 'c');
    await viewer.ready;
    expect(await keys()).toEqual([]);
    clock.advance(10_000);
    while ((await keys()).length === 0) await new Promise(setImmediate);
    await open().append('c', records(1));
    await viewer.until(1);
    expect(viewer.seen).toEqual([1]);
    await channels.close();
  });
});

/** The ten digits of a time that is some microseconds after that of a position. */
function after(position: string, us: number): string {
  return (Number.parseInt(position.slice(1, 11), 36) + us).toString(36);
}
