import { createClient, type RedisClientType } from '@redis/client';
import { Channels, event, type LogSlice } from 'nestjs-event-stream';
import { redisLog, type RedisLog, type RedisLogOptions } from 'nestjs-event-stream/redis';
import { toRecord } from '../../src/log/log-record.js';
import { ManualClock } from '../fixtures/manual-clock.js';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';
import { Viewer } from './viewer.js';

const ALL = { events: 100_000, bytes: 100_000_000 };
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
const records = (...values: unknown[]) => values.map((value) => toRecord(value, undefined));
const values = ({ entries }: LogSlice) => entries.map((entry) => entry.toEvent(JSON.parse).data);
/** An event whose frame has this many bytes. */
const sized = (bytes: number) => toRecord('x'.repeat(bytes - 'data: \n\n'.length), undefined);

await describeRedis('what redisLog keeps', (url) => {
  const prefixes: string[] = [];
  const logs: RedisLog[] = [];
  let admin: RedisClientType;
  let prefix = '';

  function open(options: Partial<RedisLogOptions> = {}): RedisLog {
    const log = redisLog({ client: redisClient(url), prefix, ...options });
    logs.push(log);
    return log;
  }

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

  it('maxEvents: exactly this many, or a few blocks more', async () => {
    const [exact, rough] = [open({ trim: 'exact', maxEvents: 5 }), open({ maxEvents: 5 })];
    for (const n of numbers(0, 300)) {
      await exact.append('exact', records(n));
      await rough.append('rough', records(n));
    }
    expect(values(await exact.read('exact', undefined, ALL))).toEqual(numbers(295, 5));
    const kept = values(await rough.read('rough', undefined, ALL));
    expect(kept).toEqual(numbers(300 - kept.length, kept.length));
    expect(kept.length).toBeGreaterThanOrEqual(5);
    expect(kept.length).toBeLessThan(120);
  });

  it('an append that is too large for any Redis is rejected, and none of it is stored', async () => {
    const channels = new Channels({ log: open() });
    const big = 'x'.repeat(262_000);
    for (const [count, payload] of [
      [50_001, 1],
      [257, big],
    ] as const) {
      await expect(channels.channel('c').publish(numbers(0, count).map(() => payload))).rejects.toMatchObject(
        {
          code: 'SSE_EVENT_TOO_LARGE',
          message: expect.stringContaining('Publish them in parts') as string,
          context: { channel: 'c', count },
        },
      );
    }
    await channels.channel('c').publish([1, 2]);
    expect(values(await open().read('c', undefined, ALL))).toEqual([1, 2]);
  });

  it('maxBytes: as many of the newest events as fit, of any size', async () => {
    const log = open({ maxBytes: 1000, maxEventBytes: 600 });
    const sizes = [600, 20, 20, 300, 100, 20, 600, 100, 200, 30, 70, 500, 20];
    for (const [i, size] of sizes.entries()) {
      await log.append('c', [sized(size)]);
      const { entries } = await log.read('c', undefined, ALL);
      let fit = 0;
      let sum = 0;
      while (fit <= i && sum + (sizes[i - fit] ?? 0) <= 1000) sum += sizes[i - fit++] ?? 0;
      expect([i, entries.length]).toEqual([i, fit]);
    }
    for (let i = 0; i < 3; i++) await log.append('c', Array(50).fill(sized(20)) as never);
    expect((await log.read('c', undefined, ALL)).entries.length).toBe(50);
  });

  it('maxAgeMs: older events are evicted with the next append, younger ones stay', async () => {
    const log = open({ maxAgeMs: 60_000 });
    const positions = await log.append('c', records('old', 'old too'));
    await age('c', 90_000);
    // By a process that knows no other history.
    await open({ maxAgeMs: 60_000 }).append('c', records('new'));
    const slice = await log.read('c', undefined, ALL);
    expect(values(slice)).toEqual(['new']);
    expect((await log.read('c', positions[0], ALL)).gap).toBe(true);
    const { gap, entries } = await log.read('c', positions[1], ALL);
    expect([gap, entries.length]).toEqual([false, 1]);
  });

  it('nothing is kept forever: a stream lives as long as its newest event, and its history a little longer', async () => {
    const clock = new ManualClock();
    const log = open({ maxAgeMs: 60_000, forgetMs: 30_000, pingMs: false, clock });
    await log.append('c', records(1));
    log.watch(['empty'], () => undefined);
    // A watched channel is created by the next check, within a third of forgetMs.
    clock.advance(10_000);
    while ((await admin.exists(`${prefix}{empty}:meta`)) === 0) await new Promise(setImmediate);
    const lives = await Promise.all(
      [`{c}:log`, `{c}:meta`, `{empty}:meta`].map((key) => admin.pTTL(prefix + key)),
    );
    for (const [i, life] of [60_000, 90_000, 90_000].entries()) {
      expect(lives[i]).toBeLessThanOrEqual(life);
      expect(lives[i]).toBeGreaterThan(life - 5000);
    }
    const forever = open({ maxAgeMs: false });
    await forever.append('d', records(1));
    expect([await admin.pTTL(`${prefix}{d}:log`), await admin.pTTL(`${prefix}{d}:meta`)]).toEqual([-1, -1]);
    const keys = await admin.keys(`${prefix}*`);
    expect(keys.filter((key) => key.includes(':sent:')).length).toBe(2);
    for (const key of keys.filter((key) => key.includes(':sent:')))
      expect(await admin.pTTL(key)).toBeGreaterThan(0);
  });

  it('if all events and their stream are evicted, only clients that missed some get a gap', async () => {
    const log = open();
    const positions = await log.append('c', records(1, 2));
    await admin.del(`${prefix}{c}:log`);
    const missed = await log.read('c', positions[0], ALL);
    expect([missed.gap, missed.entries.length, missed.from]).toEqual([true, 0, positions[1]]);
    expect(await log.read('c', positions[1], ALL)).toEqual({
      entries: [],
      from: positions[1],
      gap: false,
      more: false,
    });
    await log.append('c', records(3));
    expect(values(await log.read('c', positions[1], ALL))).toEqual([3]);
    expect((await log.read('c', positions[0], ALL)).gap).toBe(true);
  });

  it('a channel whose history expired begins anew: its events stay, positions are a gap, own IDs still grow', async () => {
    const log = open();
    const [position] = await log.append('c', [toRecord(event({ id: '5', data: 5 }), undefined)]);
    await admin.del(`${prefix}{c}:meta`);
    const { gap, entries } = await log.read('c', position, ALL);
    expect([gap, entries.map(({ id }) => id)]).toEqual([true, ['5']]);
    await admin.del(`${prefix}{c}:meta`);
    await expect(async () =>
      log.append('c', [toRecord(event({ id: '4', data: 4 }), undefined)]),
    ).rejects.toMatchObject({
      code: 'SSE_ID_ORDER',
    });
    expect(await log.locate('c', '5')).toMatch(/^[0-9a-z]+-/);
  });

  it('the history of an empty channel is kept while it is watched', async () => {
    const channels = new Channels({ log: open({ maxAgeMs: 300, forgetMs: 300 }) });
    const viewer = new Viewer(channels, 'c');
    await viewer.ready;
    for (let renewals = 0, before = 0; renewals < 8;) {
      const left = await admin.pTTL(`${prefix}{c}:meta`);
      if (left > before) renewals++;
      before = left;
    }
    await channels.channel('c').publish(1);
    await viewer.until(1);
    expect(viewer.seen).toEqual([1]);
    await channels.close();
  });

  it('a lost announcement is replaced within a short time', async () => {
    const log = open({ maxAgeMs: 300, forgetMs: 300 });
    const channels = new Channels({ log });
    const viewer = new Viewer(channels, 'c');
    await viewer.ready;
    await channels.channel('c').publish(1);
    await viewer.until(1);
    await log.append('unwatched', records(2));
    for (const part of ['log', 'meta'])
      await admin.rename(`${prefix}{unwatched}:${part}`, `${prefix}{c}:${part}`);
    await viewer.until(2);
    expect(viewer.seen).toEqual([1, 'gap', 2]);
    await channels.close();
  });

  it('a flush is a gap for all clients, at once for those that watch', async () => {
    const channels = new Channels({ log: open({ forgetMs: 300 }) });
    const watching = new Viewer(channels, 'c');
    await watching.ready;
    const id = await channels.channel('c').publish(1);
    await watching.until(1);
    await removeKeys(url, prefix);
    await watching.until('gap');
    await channels.channel('c').publish(2);
    await watching.until(2);
    expect(watching.seen).toEqual([1, 'gap', 2]);
    const later = new Viewer(channels, 'c', { after: id });
    await later.until(2);
    expect(later.seen).toEqual(['gap', 2]);
    await channels.close();
  });

  it('foreign entries in a stream are skipped; a deleted entry is a gap, and causes no loop', async () => {
    const channels = new Channels({ log: open() });
    const log = logs.at(-1) as RedisLog;
    const ids = await channels.channel('c').publish([0, 1, 2, 3]);
    await admin.xAdd(`${prefix}{c}:log`, '*', { h: 'no header', f: 'data: x\n\n' });
    await admin.xAdd(`${prefix}{c}:log`, '*', { other: 'fields' });
    ids.push(...(await channels.channel('c').publish([4, 5])));
    const all = new Viewer(channels, 'c', { from: 'oldest' });
    await all.until(5);
    expect(all.seen).toEqual([0, 1, 2, 3, 4, 5]);
    const raw = await entriesOf('c');
    for (const i of [2, 7]) await admin.xDel(`${prefix}{c}:log`, raw[i]!.id);
    const other = new Channels({ log });
    const [holes, behind] = [
      new Viewer(other, 'c', { from: 'oldest' }),
      new Viewer(other, 'c', { after: ids[1] as string }),
    ];
    await channels.channel('c').publish(6);
    await Promise.all([holes.until(6), behind.until(6)]);
    expect(holes.seen).toEqual([0, 1, 'gap', 3, 4, 'gap', 6]);
    expect(behind.seen).toEqual(['gap', 3, 4, 'gap', 6]);
    const page = await log.read('c', undefined, { events: 1, bytes: 1 });
    expect([values(page), page.more]).toEqual([[0], true]);
    await channels.close();
  });

  it('an event that only a later version can read is a gap, also if it is the newest', async () => {
    const log = open();
    const positions = await log.append('c', records(1, 2, 3));
    const raw = await entriesOf('c');
    await admin.del(`${prefix}{c}:log`);
    for (const [i, { id, message }] of raw.entries()) {
      const fields = i === 2 ? { ...message, h: '[2,"j",0,9,9]' } : message;
      await admin.xAdd(`${prefix}{c}:log`, id, fields);
    }
    const slice = await log.read('c', undefined, ALL);
    expect([values(slice), slice.gap, slice.more]).toEqual([[1, 2], false, true]);
    const after = await log.read('c', positions[1], ALL);
    expect(after).toEqual({ entries: [], from: positions[2], gap: true, more: false });
  });

  it('retention returns the limits of each channel', async () => {
    const retention = (name: string) => (name.startsWith('short:') ? { maxEvents: 2 } : undefined);
    const log = open({ retention, trim: 'exact' });
    await log.append('short:a', records(1, 2, 3));
    await log.append('long', records(1, 2, 3));
    expect(values(await log.read('short:a', undefined, ALL))).toEqual([2, 3]);
    expect(values(await log.read('long', undefined, ALL))).toEqual([1, 2, 3]);
    const wrong = open({ retention: () => ({ maxEvents: -1 }) });
    await expect(async () => wrong.append('c', records(1))).rejects.toMatchObject({
      code: 'SSE_INVALID_OPTIONS',
    });
  });

  it('events of every size are announced; large ones are read', async () => {
    const channels = new Channels({ log: open() });
    const other = new Channels({ log: open() });
    const viewer = new Viewer(other, 'c');
    await viewer.ready;
    const texts = [10, 20_000, 5, 200_000, 16_384, 1].map((length) => 'ä'.repeat(length / 2) + length);
    for (const text of texts) await channels.channel('c').publish(text);
    await viewer.until(texts.at(-1));
    expect(viewer.seen).toEqual(texts);
    await Promise.all([channels.close(), other.close()]);
  });

  async function entriesOf(channel: string): Promise<{ id: string; message: Record<string, string> }[]> {
    return ((await admin.xRange(`${prefix}{${channel}}:log`, '-', '+')) ?? []) as never;
  }

  /** Makes every entry of a channel this old. */
  async function age(channel: string, ms: number): Promise<void> {
    const key = `${prefix}{${channel}}`;
    const raw = await entriesOf(channel);
    await admin.del(`${key}:log`);
    for (const { id, message } of raw) await admin.xAdd(`${key}:log`, older(id), message);
    const meta = await admin.hGet(`${key}:meta`, 't');
    await admin.hSet(`${key}:meta`, 't', older(`${String(meta)}-`).slice(0, -1));

    function older(id: string): string {
      const [us, count] = id.split('-');
      return `${Number(us) - ms * 1000}-${String(count)}`;
    }
  }
});
