import type { Slot, SlotStore } from 'nestjs-event-stream';
import type { Clock } from '../../src/time/clock.js';
import { blockFor, sent } from '../fixtures/blocked.js';
import { heldTimers } from '../fixtures/held-timers.js';
import { ManualClock } from '../fixtures/manual-clock.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { until as waitUntil } from '../redis/viewer.js';

/** Options that stores on each kind of server have. */
export interface StoreOptions {
  leaseMs?: number;
  clock?: Clock;
  pingMs?: number | false;
  waitMs?: number;
  whileAway?: 'allow' | 'refuse';
}

export interface SizedStore extends SlotStore {
  readonly size: number;
  close(): Promise<void>;
}

/** A process that takes places, and records its evicted connections. */
export class SlotNode {
  readonly replaced: string[] = [];

  constructor(readonly slots: SizedStore) {}

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

/** The leases of one test on a server. */
export interface LeaseBackend {
  store(options: StoreOptions): SizedStore;
  /** The leases under a key, oldest first. */
  leases(key: string): Promise<string[]>;
  /** Those of them whose time is up. */
  expired(key: string): Promise<string[]>;
  expire(key: string, lease: string): Promise<void>;
  /** Loses all leases under a key. */
  lose(key: string): Promise<void>;
}

/** The properties of a slot store on a server, while the server works. */
export function slotSuite(begin: () => LeaseBackend): void {
  const nodes: SlotNode[] = [];
  let backend: LeaseBackend;

  function node(options: StoreOptions = {}): SlotNode {
    const made = new SlotNode(backend.store(options));
    nodes.push(made);
    return made;
  }
  const leases = (key: string): Promise<string[]> => backend.leases(key);

  beforeEach(() => {
    backend = begin();
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((each) => each.close()));
  });

  it('refuses nobody whose answer has arrived while this process was suspended', async () => {
    const strict = node({ waitMs: 3000, whileAway: 'refuse' });
    await strict.take('k', 2);
    const second = strict.take('k', 2);
    await sent();
    blockFor(4000);
    expect(await second).toBeDefined();
    expect((await leases('k')).length).toBe(2);
  });

  it('gives as many places under a key as there are, over all nodes', async () => {
    const [a, b] = [node(), node()];
    const asked = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).take('k', 7)));
    expect(asked.filter(Boolean).length).toBe(7);
    expect(await a.take('other', 1)).toBeDefined();
    expect([a.size + b.size, (await leases('k')).length]).toEqual([8, 7]);
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
    const clock = new ManualClock();
    const [a, b] = [node({ leaseMs: 60_000, clock, pingMs: false }), node()];
    await a.take('k', 1, 'first');
    await backend.lose('k');
    await b.take('k', 1, 'second');
    clock.advance(20_000);
    await waitUntil(() => a.replaced.length > 0);
    expect([a.replaced, a.size]).toEqual([['first'], 0]);
  });

  it('a node that lives keeps its places; those of one that has died are free within leaseMs', async () => {
    // Long enough for a renewal, sent at a third of it, to be late by more than a second.
    const leaseMs = 3_000;
    const stopped = { now: () => 0, wallNow: () => 0, schedule: () => 0, cancel() {}, defer: setImmediate };
    await node({ leaseMs: 3_600_000, clock: stopped }).take('held', 1);
    await node({ leaseMs, clock: stopped }).take('freed', 1);
    await node({ leaseMs }).take('kept', 1);
    const heir = node();
    let taken: Slot | undefined;
    while (!taken) taken = await heir.take('freed', 1);
    expect(await heir.take('kept', 1)).toBeUndefined();
    expect(await heir.take('held', 1)).toBeUndefined();
  });

  describe('requests of one process at the same moment', () => {
    it('leave one holder if each replaces the one before, and the others are notified at once', async () => {
      const a = node({ leaseMs: 60_000 });
      await Promise.all(['1', '2', '3', '4'].map((who) => a.take('k', 1, who, true)));
      expect([a.replaced, a.size]).toEqual([['1', '2', '3'], 1]);
      expect((await leases('k')).length).toBe(1);
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
      expect([(await leases('latest')).length, a.size]).toEqual([1, 3]);
    });
  });
  describe('a lease', () => {
    it('that has expired holds no place, and is removed', async () => {
      const [a, b] = [node(), node()];
      await a.take('k', 1);
      const [dead = ''] = await leases('k');
      await backend.expire('k', dead);
      expect(await b.take('k', 1)).toBeDefined();
      expect(await leases('k')).not.toContain(dead);
    });

    it('that has expired is not evicted, so nobody else goes', async () => {
      const [a, b] = [node(), node()];
      await a.take('k', 2, 'expired');
      const [dead = ''] = await leases('k');
      await a.take('k', 2, 'alive');
      await backend.expire('k', dead);
      await b.take('k', 2, 'new', true);
      const told = Promise.all([b.take('other', 1), a.take('another', 1)]);
      await told;
      expect(a.replaced).toEqual([]);
      expect(await leases('k')).toHaveLength(2);
    });

    it('is renewed, so that it does not expire', async () => {
      const clock = new ManualClock();
      const [a, b] = [node({ clock, leaseMs: 60_000, pingMs: false }), node()];
      await a.take('k', 1);
      for (let round = 0; round < 2; round++) {
        const [lease = ''] = await leases('k');
        await backend.expire('k', lease);
        clock.advance(20_000);
        while ((await backend.expired('k')).includes(lease)) await new Promise(setImmediate);
        expect(await b.take('k', 1)).toBeUndefined();
      }
    });

    it('that the server has lost is granted again in its old place', async () => {
      const clock = new ManualClock();
      const a = node({ clock, pingMs: false, leaseMs: 60_000 });
      await a.take('k', 2, 'first');
      const [first] = await leases('k');
      await a.take('k', 2, 'second');
      await backend.lose('k');
      clock.advance(20_000);
      while ((await leases('k')).length < 2) await new Promise(setImmediate);
      expect((await leases('k'))[0]).toBe(first);
    });
  });

  it('counts under keys of any text', async () => {
    const [a, b] = [node(), node()];
    // Random, because PostgreSQL compresses text before it measures it.
    const long = Array.from({ length: 10_000 }, () => Math.random().toString(36).slice(2)).join('');
    for (const key of ['NUL \0', 'NUL \0\0', `${long}a`, `${long}b`, '\ud83d\ude00', '"\\{}%']) {
      const slot = await a.take(key, 1);
      expect([key, slot !== undefined, await b.take(key, 1)]).toEqual([key, true, undefined]);
      slot?.release();
      let again: Slot | undefined;
      while (!again) again = await b.take(key, 1);
    }
  });

  it('accepts every whole number as a maximum', async () => {
    const clock = new ManualClock();
    const a = node({ clock, pingMs: false, leaseMs: 60_000 });
    for (const max of [2 ** 31, Number.MAX_SAFE_INTEGER]) expect(await a.take('k', max)).toBeDefined();
    await backend.lose('k');
    clock.advance(20_000);
    while ((await leases('k')).length < 2) await new Promise(setImmediate);
  });

  it('a closed one has given back everything', async () => {
    const [a, b] = [node(), node()];
    await a.take('k', 1);
    await a.close();
    await a.close();
    expect(await b.take('k', 1)).toBeDefined();
    await expect(a.take('k', 1)).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
  });
}

/** A server of a test's own. */
export interface BreakableServer {
  store(options: StoreOptions): SizedStore;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Keeps the leases over a kill, if it can. */
  save(): Promise<void>;
  freeze(): void;
  resume(): void;
  loseLeases(): Promise<void>;
  /** Makes the server forget what it has prepared. */
  forget(): Promise<void>;
  remove(): Promise<void>;
}

/** The properties of a slot store while its server is unavailable. */
export function slotOutageSuite(begin: () => Promise<BreakableServer>): void {
  let server: BreakableServer;
  const nodes: SlotNode[] = [];
  const node = (options: StoreOptions = {}): SlotNode => {
    const made = new SlotNode(server.store({ leaseMs: 1500, ...options }));
    nodes.push(made);
    return made;
  };
  beforeEach(async () => {
    server = await begin();
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((each) => each.close()));
    await server.remove();
  });

  it('counts the connections of each process alone, or refuses them; open ones stay', async () => {
    const [a, b, strict] = [node(), node(), node({ whileAway: 'refuse' })];
    const logger = new RecordingLogger();
    a.slots.useLogger?.(logger);
    await a.take('k', 2, 'a1');
    await server.kill();
    expect(
      [await a.take('k', 2, 'a2'), await a.take('k', 2), await b.take('k', 2, 'b1')].map(Boolean),
    ).toEqual([true, false, true]);
    expect(await a.take('k', 2, 'a3', true)).toBeDefined();
    await expect(strict.take('k', 2)).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    expect([a.replaced, b.replaced]).toEqual([['a1'], []]);
    expect(logger.warnings).toEqual([
      expect.stringMatching(
        /^Limits are not shared between processes: (Redis|PostgreSQL) at [\w.:/]+ is not available \(.+\)\. This process counts/,
      ),
    ]);
  });

  it('and when it recovers without data, all register again, and a holder without a place is evicted', async () => {
    const [a, b] = [node(), node()];
    const slots = [await a.take('k', 2, 'a1'), await b.take('k', 2, 'b1')];
    await server.kill();
    await a.take('k', 2, 'a2');
    await server.start();
    await waitUntil(() => a.replaced.length + b.replaced.length > 0);
    expect(a.size + b.size).toBe(2);
    const strict = node({ whileAway: 'refuse' });
    expect(await strict.take('k', 2)).toBeUndefined();
    for (const slot of slots) slot?.release();
    await taken(strict, 'k', 2);
  });

  it('a connection waits for an answer at most for waitMs', async () => {
    const waitMs = 4004;
    const { clock, waiting, elapse } = heldTimers(waitMs / 4);
    const [a, strict] = [node({ waitMs, clock }), node({ waitMs, clock, whileAway: 'refuse' })];
    await a.take('k', 1);
    await strict.take('other', 1);
    server.freeze();
    const [free, refused] = [a.take('free', 1), strict.take('refused', 1)];
    expect(waiting.size).toBe(2);
    for (let step = 0; step < 4; step++) elapse();
    const slot = await free;
    expect(slot).toBeDefined();
    await expect(refused).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    server.resume();
    await taken(strict, 'refused', 1);
    // The two processes have connections of their own, and either of them may recover first.
    await waitUntil(() => isRegistered(slot));
    expect(await strict.take('free', 1)).toBeUndefined();
  });

  it('gives back a place that is granted too late', async () => {
    const waitMs = 4004;
    const { clock, elapse } = heldTimers(waitMs / 4);
    const leaseMs = 600_000;
    const strict = node({ waitMs, clock, leaseMs, whileAway: 'refuse' });
    const other = node({ leaseMs, whileAway: 'refuse' });
    await Promise.all([strict.take('k', 1), other.take('k', 1)]);
    await server.forget();
    server.freeze();
    const late = strict.take('late', 1);
    for (let step = 0; step < 4; step++) elapse();
    await expect(late).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    server.resume();
    await taken(other, 'late', 1);
    expect(strict.size + other.size).toBe(2);
  });

  it('releases places that were released during the outage, once the server works again', async () => {
    const leaseMs = 600_000;
    const [a, b] = [node({ leaseMs }), node({ leaseMs, whileAway: 'refuse' })];
    const slot = await a.take('k', 1);
    await server.save();
    await server.kill();
    slot?.release();
    await server.start();
    await taken(b, 'k', 1);
    expect(a.size).toBe(0);
  });

  it('evicts no connection for one that was evicted during the outage, however early others ask', async () => {
    const leaseMs = 600_000;
    const clock = new ManualClock();
    const a = node({ leaseMs, clock });
    const rivals = [1, 2, 3].map(() => node({ leaseMs, whileAway: 'refuse' }));
    await a.take('k', 1, 'first');
    for (const rival of rivals) expect(await rival.take('k', 1)).toBeUndefined();
    await server.save();
    await server.kill();
    const second = a.take('k', 1, 'second', true);
    while (a.replaced.length === 0) {
      clock.advance(100);
      await new Promise(setImmediate);
    }
    await second;
    const answers: (Slot | undefined)[] = [];
    let isOver = false;
    const asked = rivals.map(async (rival) => {
      while (!isOver) {
        await rival.take('k', 1).then(
          (answer) => answers.push(answer),
          () => new Promise(setImmediate),
        );
      }
    });
    await server.start();
    await waitUntil(() => answers.length > 100);
    clock.advance(leaseMs / 3);
    await waitUntil(() => answers.length > 200);
    isOver = true;
    await Promise.all(asked);
    expect(answers.filter(Boolean)).toEqual([]);
    expect([a.replaced, a.size]).toEqual([['first'], 1]);
  });

  it('a place released while its lost lease is granted again is free', async () => {
    const leaseMs = 600_000;
    const clock = new ManualClock();
    const a = node({ leaseMs, clock, pingMs: false });
    const other = node({ leaseMs, whileAway: 'refuse' });
    const slot = await a.take('k', 1);
    await other.take('other', 1);
    await server.loseLeases();
    await server.forget();
    server.freeze();
    clock.advance(leaseMs / 3);
    await new Promise(setImmediate);
    slot?.release();
    server.resume();
    await taken(other, 'k', 1);
    expect(a.size).toBe(0);
  });
}

/** True if the server has the leases of a slot. */
function isRegistered(slot: Slot | undefined): boolean {
  const { leases = [] } = slot as unknown as { leases?: readonly { since: string }[] };
  return leases.length > 0 && leases.every(({ since }) => since !== '');
}

/** Resolves when the server grants a place. The node must not grant places by itself. */
async function taken(node: SlotNode, key: string, max: number): Promise<void> {
  while (!(await node.take(key, max).catch(() => undefined))) await new Promise(setImmediate);
}
