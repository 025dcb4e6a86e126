import { createClient, type RedisClientType } from '@redis/client';
import type { Slot } from 'nestjs-event-stream';
import { systemClock, type Clock } from '../../src/time/clock.js';
import { redisSlots, type RedisSlots, type RedisSlotsOptions } from 'nestjs-event-stream/redis';
import { describeRedis, describeRedisServer, removeKeys, testPrefix } from '../fixtures/redis.js';
import { RedisServer } from '../fixtures/redis-server.js';
import { until } from './viewer.js';

/** A process that takes places, and notes whose connections were told to go. */
class Node {
  readonly replaced: string[] = [];
  private readonly slots: RedisSlots;

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

  it('gives as many places under a key as there are, over all nodes', async () => {
    const [a, b] = [node(), node()];
    const asked = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).take('k', 7)));
    expect(asked.filter(Boolean).length).toBe(7);
    expect(await a.take('other', 1)).toBeDefined();
    expect([a.size + b.size, await admin.zCard(`${prefix}{slots}:k:since`)]).toEqual([8, 7]);
  });

  it('a place that was given back is free at once, also for another node; twice is once', async () => {
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

  it('the oldest makes way, wherever it is, and is told so once', async () => {
    const [a, b] = [node(), node()];
    await a.take('k', 2, 'first');
    await b.take('k', 2, 'second');
    await b.take('k', 2, 'third', true);
    await until(() => a.replaced.length > 0);
    await b.take('k', 2, 'fourth', true);
    expect([a.replaced, b.replaced, a.size, b.size]).toEqual([['first'], ['second'], 0, 2]);
  });

  it('is told so by the next renewal, if the word was lost', async () => {
    const [a, b] = [node({ leaseMs: 150 }), node()];
    await a.take('k', 1, 'first');
    await admin.zRem(`${prefix}{slots}:k:until`, await admin.zRange(`${prefix}{slots}:k:until`, 0, -1));
    await admin.del(`${prefix}{slots}:k:since`);
    await b.take('k', 1, 'second');
    await until(() => a.replaced.length > 0);
    expect([a.replaced, a.size]).toEqual([['first'], 0]);
  });

  it('a node that lives keeps its places; those of one that has died are free within leaseMs', async () => {
    const alive = node({ leaseMs: 200 });
    await alive.take('kept', 1);
    const stopped = { now: () => 0, schedule: () => 0, cancel() {}, defer: setImmediate };
    await node({ leaseMs: 200, clock: stopped }).take('freed', 1);
    const heir = node();
    expect(await heir.take('freed', 1)).toBeUndefined();
    let taken: Slot | undefined;
    while (!taken) taken = await heir.take('freed', 1);
    expect(await heir.take('kept', 1)).toBeUndefined();
  });

  it('a closed one has given back everything', async () => {
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

  it('counts the connections of each process alone, or refuses them; open ones stay', async () => {
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

  it('and when it is back without data, all register again; who finds no place any more is told to go', async () => {
    const [a, b] = [node(), node()];
    const slots = [await a.take('k', 2, 'a1'), await b.take('k', 2, 'b1')];
    await server.kill();
    await a.take('k', 2, 'a2');
    await server.start();
    await until(() => a.replaced.length + b.replaced.length > 0);
    expect(a.size + b.size).toBe(2);
    expect(await node().take('k', 2)).toBeUndefined();
    for (const slot of slots) slot?.release();
    let taken: Slot | undefined;
    while (!taken) taken = await node().take('k', 2);
  });

  it('a connection waits for an answer at most for waitMs', async () => {
    const waitMs = 50;
    const waits = new Set<() => void>();
    // The wait is over when the test says so.
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
});
