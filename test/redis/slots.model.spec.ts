import { createClient, type RedisClientType } from '@redis/client';
import type { SlotRequest } from 'nestjs-event-stream';
import { redisSlots } from 'nestjs-event-stream/redis';
import { SlotTable } from '../../src/limits/limits.js';
import { LEASE_MS, NAMES, failing, slotModelSuite, type Key } from '../contract/slots.model.js';
import { ManualClock } from '../fixtures/manual-clock.js';
import { redisClient } from '../fixtures/redis-client.mjs';
import { RedisServer } from '../fixtures/redis-server.js';
import { describeRedisServer } from '../fixtures/redis.js';

describe('SlotTable', () =>
  slotModelSuite(
    async () => {
      const table = new SlotTable();
      const names = (key: Key): number[] => {
        const { holders } = table as unknown as { holders: Map<string, Set<{ request: SlotRequest }>> };
        return [...(holders.get(key) ?? [])].map(({ request }) => named.get(request.onReplaced) ?? -1);
      };
      const named = new Map<() => void, number>();
      let count = 0;
      return {
        store: () => ({
          acquire: (requests) => {
            named.set(requests[0]!.onReplaced, count++);
            return table.acquire(requests);
          },
        }),
        state: async () => Object.fromEntries(NAMES.map((key) => [key, names(key)])) as Record<Key, number[]>,
        close: async () => expect(table.size).toBeGreaterThanOrEqual(0),
      };
    },
    [],
    500,
  ));

describeRedisServer('redisSlots', () => {
  let server: RedisServer;
  let admin: RedisClientType;
  let runs = 0;
  beforeAll(async () => {
    server = await RedisServer.start();
    admin = createClient({ url: server.url });
    await admin.connect();
  });
  afterAll(async () => {
    admin.destroy();
    await server.remove();
  });

  slotModelSuite(
    async () => {
      const prefix = `m${runs++}:`;
      const clocks: ManualClock[] = [];
      const stores: ReturnType<typeof redisSlots>[] = [];
      const dead: ReturnType<typeof redisSlots>[] = [];
      const until = (key: Key): string => `${prefix}{slots}:${key}:until`;
      const since = (key: Key): string => `${prefix}{slots}:${key}:since`;
      /** The holders, by what their leases have in common: the time of the grant is theirs alone. */
      const grants = new Map<string, number>();
      const leases = new Map<number, string[]>();
      const start = async (node: number): Promise<void> => {
        clocks[node] = new ManualClock();
        stores[node] = redisSlots({
          client: redisClient(server.url),
          prefix,
          leaseMs: LEASE_MS,
          clock: clocks[node],
          pingMs: false,
        });
        const idle = { key: 'idle', max: 9, replaceOldest: false, onReplaced: () => undefined };
        const answer = await stores[node]!.acquire([idle]);
        if ('slot' in answer) answer.slot.release();
        // Evictions are announced to it from now on.
        const { node: name } = stores[node] as unknown as { node: string };
        const channel = `${prefix}slots:{node:${name}}`;
        while ((await admin.pubSubNumSub([channel]))[channel] === 0) await new Promise(setImmediate);
      };
      await Promise.all([start(0), start(1)]);
      return {
        store: (node) => stores[node]!,
        granted: async (holder) => {
          const { leases: own } = holder.slot as unknown as { leases: { id: string }[] };
          leases.set(
            holder.name,
            own.map(({ id }) => id),
          );
          for (const { id } of own) grants.set(id, holder.name);
        },
        state: async () => {
          const state = {} as Record<Key, number[]>;
          for (const key of NAMES) {
            const held = new Set(await admin.zRange(until(key), 0, -1));
            const order = (await admin.zRange(since(key), 0, -1)).filter((id) => held.has(id));
            state[key] = order.map((id) => grants.get(id) ?? -1);
            // Each lease has its place in the order.
            if (order.length !== held.size) state[key].push(-2);
          }
          return state;
        },
        expire: async ({ name }) => {
          for (const key of NAMES)
            for (const value of leases.get(name) ?? [])
              await admin.zAdd(until(key), { score: 1, value }, { condition: 'XX' });
        },
        lose: async ({ name }) => {
          for (const key of NAMES) await admin.zRem(until(key), leases.get(name) ?? []);
        },
        // Not by the clock: an eviction during a renewal sets the next timer, so nothing would show when the renewal is over.
        renew: (node) => (stores[node] as unknown as { renew(): Promise<void> }).renew(),
        die: (node) => {
          const { server: connection } = stores[node] as unknown as { server: { close(): void } };
          connection.close();
          dead.push(stores[node]!);
          stores[node] = redisSlots({
            client: redisClient(server.url),
            prefix,
            leaseMs: LEASE_MS,
            clock: (clocks[node] = new ManualClock()),
            pingMs: false,
          });
        },
        close: async () => {
          await Promise.all(stores.map((store) => store.close()));
        },
      };
    },
    failing,
    40,
  );
});
