import { createClient, type RedisClientType } from '@redis/client';
import type { Slot } from 'nestjs-event-stream';
import { RELEASE_SCRIPT } from '../../src/redis/slots/slots.script.js';
import { systemClock, type Clock } from '../../src/time/clock.js';
import { redisSlots, type RedisSlots, type RedisSlotsOptions } from 'nestjs-event-stream/redis';
import { describeRedis, describeRedisServer, removeKeys, testPrefix } from '../fixtures/redis.js';
import { RedisServer } from '../fixtures/redis-server.js';
import { ManualClock } from '../fixtures/manual-clock.js';
import { until as waitUntil } from './viewer.js';

/** A process that takes places, and records its evicted connections. */
class Node {
  readonly replaced: string[] = [];
  readonly slots: RedisSlots;

  constructor(options: RedisSlotsOptions) {
    this.slots = redisSlots(options);
  }

  async take(key: string, max: number, who = '', replaceOldest = false): Promise<Slot | undefined> {
    const onReplaced = (): void => void this.replaced.push(who);
    const answer = await this.slots.acquire([{ key, max, replaceOldest, onReplaced }]);
    return 'slot' in answer ? answer.slot : undefined;
  }

  get size(): number {
    return this.slots.size;
  }

  close(): Promise<void> {
    return this.slots.close();
  }
}

await describeRedis('redisSlots', (url) => {
  const prefixes: string[] = [];
  const nodes: Node[] = [];
  let admin: RedisClientType;
  let prefix = '';

  function node(options: Partial<RedisSlotsOptions> = {}): Node {
    const made = new Node({ client: url, prefix, ...options });
    nodes.push(made);
    return made;
  }

  beforeAll(async () => {
    admin = createClient({ url });
    await admin.connect();
  });
  beforeEach(() => prefixes.push((prefix = testPrefix())));
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((each) => each.close()));
  });
  afterAll(async () => {
    admin.destroy();
    for (const each of prefixes) await removeKeys(url, each);
  });

  it('grants a fixed number of places for a key, over all nodes', async () => {
    const [a, b] = [node(), node()];
    const asked = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).take('k', 7)));
    expect(asked.filter(Boolean).length).toBe(7);
    expect(await a.take('other', 1)).toBeDefined();
    expect([a.size + b.size, await admin.zCard(`${prefix}{slots}:k:since`)]).toEqual([8, 7]);
  });

  it('a released place is free at once, also for another node; a second release has no effect', async () => {
    const [a, b] = [node(), node()];
    const slot = await a.take('k', 1);
    expect(await b.take('k', 1)).toBeUndefined();
    slot?.release();
    slot?.release();
    let taken: Slot | undefined;
    for (let i = 0; i < 100 && !taken; i++) taken = await b.take('k', 1);
    expect(taken).toBeDefined();
    expect(a.size).toBe(0);
  });

  it('the oldest holder is evicted on whichever node it is, and notified once', async () => {
    const [a, b] = [node(), node()];
    await a.take('k', 2, 'first');
    await b.take('k', 2, 'second');
    await b.take('k', 2, 'third', true);
    await waitUntil(() => a.replaced.length > 0);
    await b.take('k', 2, 'fourth', true);
    expect([a.replaced, b.replaced, a.size, b.size]).toEqual([['first'], ['second'], 0, 2]);
  });

  it('is notified by the next renewal, if the announcement was lost', async () => {
    const [a, b] = [node({ leaseMs: 150 }), node()];
    await a.take('k', 1, 'first');
    await admin.zRem(`${prefix}{slots}:k:until`, await admin.zRange(`${prefix}{slots}:k:until`, 0, -1));
    await admin.del(`${prefix}{slots}:k:since`);
    await b.take('k', 1, 'second');
    await waitUntil(() => a.replaced.length > 0);
    expect([a.replaced, a.size]).toEqual([['first'], 0]);
  });

  it('a live node keeps its places; those of a dead node are free within leaseMs', async () => {
    const alive = node({ leaseMs: 200 });
    await alive.take('kept', 1);
    const stopped = { now: () => 0, wallNow: () => 0, schedule: () => 0, cancel() {}, defer: setImmediate };
    await node({ leaseMs: 200, clock: stopped }).take('freed', 1);
    const heir = node();
    expect(await heir.take('freed', 1)).toBeUndefined();
    let taken: Slot | undefined;
    while (!taken) taken = await heir.take('freed', 1);
    expect(await heir.take('kept', 1)).toBeUndefined();
  });

  describe('requests of one process at the same moment', () => {
    it('leave one holder if each replaces the one before, and the others are notified at once', async () => {
      const a = node({ leaseMs: 60_000 });
      await Promise.all(['1', '2', '3', '4'].map((who) => a.take('k', 1, who, true)));
      expect([a.replaced, a.size]).toEqual([['1', '2', '3'], 1]);
      expect(await admin.zCard(`${prefix}{slots}:k:until`)).toBe(1);
    });

    it('are granted all their places or none', async () => {
      const a = node();
      const requests = (...keys: string[]) =>
        keys.map((key) => ({ key, max: 1, replaceOldest: key === 'latest', onReplaced: () => undefined }));
      await a.slots.acquire(requests('latest'));
      await a.slots.acquire(requests('full'));
      const answer = await a.slots.acquire(requests('free', 'latest', 'full'));
      expect(answer).toMatchObject({ full: { key: 'full' } });
      expect(await a.slots.acquire(requests('free'))).toHaveProperty('slot');
      expect([await admin.zCard(`${prefix}{slots}:latest:until`), a.size]).toEqual([1, 3]);
    });
  });

  describe('a lease', () => {
    const until = (): string => `${prefix}{slots}:k:until`;
    const since = (): string => `${prefix}{slots}:k:since`;

    it('that has expired holds no place, and is removed', async () => {
      const [a, b] = [node(), node()];
      await a.take('k', 1);
      const [dead = ''] = await admin.zRange(until(), 0, -1);
      await admin.zAdd(until(), { score: 1, value: dead });
      expect(await b.take('k', 1)).toBeDefined();
      expect(await admin.zRange(until(), 0, -1)).not.toContain(dead);
      expect(await admin.zRange(since(), 0, -1)).not.toContain(dead);
    });

    it('that has expired is not evicted, so no other holder is evicted', async () => {
      const [a, b] = [node(), node()];
      await a.take('k', 2, 'expired');
      const [dead = ''] = await admin.zRange(until(), 0, -1);
      await a.take('k', 2, 'alive');
      await admin.zAdd(until(), { score: 1, value: dead });
      await b.take('k', 2, 'new', true);
      const told = Promise.all([b.take('other', 1), a.take('another', 1)]);
      await told;
      expect(a.replaced).toEqual([]);
      expect(await admin.zCard(until())).toBe(2);
    });

    it('is renewed for leaseMs, with the keys that hold it', async () => {
      const clock = new ManualClock();
      const a = node({ clock, leaseMs: 60_000, pingMs: false });
      await a.take('k', 1);
      const [lease = ''] = await admin.zRange(until(), 0, -1);
      const [ends, from] = [await admin.zScore(until(), lease), await admin.zScore(since(), lease)];
      await admin.zAdd(until(), { score: ends! - 30_000, value: lease });
      for (const key of [until(), since()]) await admin.pExpire(key, 30_000);
      clock.advance(20_000);
      while ((await admin.zScore(until(), lease))! < ends!) await new Promise(setImmediate);
      expect(await admin.zScore(since(), lease)).toBe(from);
      for (const key of [until(), since()]) expect(await admin.pTTL(key)).toBeGreaterThan(60_000);
      // Once more.
      await admin.zAdd(until(), { score: ends! - 30_000, value: lease });
      clock.advance(20_000);
      while ((await admin.zScore(until(), lease))! < ends!) await new Promise(setImmediate);
    });

    it('that Redis has lost is granted again in its old place', async () => {
      const clock = new ManualClock();
      const a = node({ clock, pingMs: false, leaseMs: 60_000 });
      await a.take('k', 2, 'first');
      const [first = ''] = await admin.zRange(until(), 0, -1);
      const from = await admin.zScore(since(), first);
      await a.take('k', 2, 'second');
      await admin.del([until(), since()]);
      clock.advance(20_000);
      while ((await admin.zCard(until())) < 2) await new Promise(setImmediate);
      expect([(await admin.zRange(since(), 0, -1))[0], await admin.zScore(since(), first)]).toEqual([
        first,
        from,
      ]);
    });

    it('that was removed by half does not block a place permanently', async () => {
      const [a, b] = [node(), node()];
      await a.take('k', 1);
      // As a process leaves it that dies between two commands.
      await admin.zRem(until(), await admin.zRange(until(), 0, -1));
      expect(await b.take('k', 1)).toBeDefined();
      await b.take('k', 1, '', true);
      expect([await admin.zCard(until()), await admin.zCard(since())]).toEqual([1, 1]);
    });

    it('whose order was lost can be evicted', async () => {
      const [a, b] = [node(), node()];
      await a.take('k', 1, 'a');
      await admin.del(since());
      await b.take('k', 1, 'b', true);
      await waitUntil(() => a.replaced.length > 0);
      expect(await admin.zRange(until(), 0, -1)).toEqual(await admin.zRange(since(), 0, -1));
    });

    it('of 20,000 others can be granted when the limit is lowered', async () => {
      const a = node();
      await a.take('k', 20_000);
      const far = Date.now() + 600_000;
      for (let i = 0; i < 20; i++) {
        const part = Array.from({ length: 1000 }, (_, n) => ({ score: far, value: `gone:${i * 1000 + n}` }));
        await admin.zAdd(until(), part);
        await admin.zAdd(since(), part);
      }
      expect(await a.take('k', 3, '', true)).toBeDefined();
      expect([await admin.zCard(until()), await admin.zCard(since())]).toEqual([3, 3]);
    });
  });

  it('a closed one has released everything', async () => {
    const [a, b] = [node(), node()];
    await a.take('k', 1);
    await a.close();
    await a.close();
    expect(await b.take('k', 1)).toBeDefined();
    await expect(a.take('k', 1)).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
  });
});

describeRedisServer('redisSlots while its Redis is away', () => {
  let server: RedisServer;
  const nodes: Node[] = [];
  const node = (options: Partial<RedisSlotsOptions> = {}): Node => {
    const made = new Node({ client: server.url, leaseMs: 300, ...options });
    nodes.push(made);
    return made;
  };
  beforeEach(async () => (server = await RedisServer.start()));
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((each) => each.close()));
    await server.remove();
  });

  it('counts the connections of each process separately, or rejects them; open ones stay', async () => {
    const [a, b, strict] = [node(), node(), node({ whileAway: 'refuse' })];
    await a.take('k', 2, 'a1');
    await server.kill();
    expect(
      [await a.take('k', 2, 'a2'), await a.take('k', 2), await b.take('k', 2, 'b1')].map(Boolean),
    ).toEqual([true, false, true]);
    expect(await a.take('k', 2, 'a3', true)).toBeDefined();
    await expect(strict.take('k', 2)).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    expect([a.replaced, b.replaced]).toEqual([['a1'], []]);
  });

  it('when it is available again without data, all register again; connections beyond the limit are closed', async () => {
    const [a, b] = [node(), node()];
    const slots = [await a.take('k', 2, 'a1'), await b.take('k', 2, 'b1')];
    await server.kill();
    await a.take('k', 2, 'a2');
    await server.start();
    await waitUntil(() => a.replaced.length + b.replaced.length > 0);
    expect(a.size + b.size).toBe(2);
    expect(await node().take('k', 2)).toBeUndefined();
    for (const slot of slots) slot?.release();
    let taken: Slot | undefined;
    while (!taken) taken = await node().take('k', 2);
  });

  it('a connection waits for an answer for waitMs at most', async () => {
    const waitMs = 50;
    const waits = new Set<() => void>();
    // The test decides when the wait is over.
    const clock: Clock = {
      ...systemClock,
      schedule: (run, ms) => (ms === waitMs ? waits.add(run) && run : systemClock.schedule(run, ms)),
      cancel: (handle) => waits.delete(handle as () => void) || systemClock.cancel(handle),
    };
    const [a, strict] = [node({ waitMs, clock }), node({ waitMs, clock, whileAway: 'refuse' })];
    await a.take('k', 1);
    await strict.take('other', 1);
    server.freeze();
    const [free, refused] = [a.take('free', 1), strict.take('refused', 1)];
    expect(waits.size).toBe(2);
    for (const wait of waits) wait();
    expect(await free).toBeDefined();
    await expect(refused).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    server.resume();
    let taken: Slot | undefined;
    while (!taken) taken = await a.take('refused', 1);
    expect(await strict.take('free', 1)).toBeUndefined();
  });

  /** All but one: the others are sent a second time, after a release that follows them. */
  async function forgetScripts(): Promise<void> {
    await server.ask('SCRIPT FLUSH', '+OK');
    const admin = createClient({ url: server.url });
    await admin.connect();
    await admin.scriptLoad(RELEASE_SCRIPT.source);
    admin.destroy();
  }

  it('releases a place that is granted too late', async () => {
    const waitMs = 50;
    const waits = new Set<() => void>();
    const clock: Clock = {
      ...systemClock,
      schedule: (run, ms) => (ms === waitMs ? waits.add(run) && run : systemClock.schedule(run, ms)),
      cancel: (handle) => waits.delete(handle as () => void) || systemClock.cancel(handle),
    };
    const leaseMs = 600_000;
    const strict = node({ waitMs, clock, leaseMs, whileAway: 'refuse' });
    const other = node({ leaseMs });
    await Promise.all([strict.take('k', 1), other.take('k', 1)]);
    await forgetScripts();
    server.freeze();
    const late = strict.take('late', 1);
    for (const wait of waits) wait();
    await expect(late).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    server.resume();
    let taken: Slot | undefined;
    while (!taken) taken = await other.take('late', 1);
    expect(strict.size + other.size).toBe(2);
  });

  it('releases places whose release failed during the outage, when Redis is available again', async () => {
    const leaseMs = 600_000;
    const [a, b] = [node({ leaseMs }), node({ leaseMs })];
    const slot = await a.take('k', 1);
    await server.save();
    await server.kill();
    slot?.release();
    await server.start();
    let taken: Slot | undefined;
    while (!taken) taken = await b.take('k', 1).catch(() => undefined);
    expect(a.size).toBe(0);
  });

  it('evicts no holder for a connection that was replaced during the outage', async () => {
    const leaseMs = 600_000;
    const clock = new ManualClock();
    const a = node({ leaseMs, clock });
    await a.take('k', 1, 'first');
    await server.save();
    await server.kill();
    const second = a.take('k', 1, 'second', true);
    while (a.replaced.length === 0) {
      clock.advance(100);
      await new Promise(setImmediate);
    }
    await second;
    await server.start();
    const b = node({ leaseMs });
    while (await b.take('k', 1)) throw new Error('not registered');
    clock.advance(leaseMs / 3);
    expect([a.replaced, a.size]).toEqual([['first'], 1]);
  });

  it('a place released while its lost lease is granted again is free', async () => {
    const leaseMs = 600_000;
    const clock = new ManualClock();
    const a = node({ leaseMs, clock, pingMs: false });
    const other = node({ leaseMs });
    const slot = await a.take('k', 1);
    await other.take('other', 1);
    await server.ask('FLUSHALL', '+OK');
    await forgetScripts();
    server.freeze();
    clock.advance(leaseMs / 3);
    await new Promise(setImmediate);
    slot?.release();
    server.resume();
    let taken: Slot | undefined;
    while (!taken) taken = await other.take('k', 1);
    expect(a.size).toBe(0);
  });
});
