import { postgresSlots } from 'nestjs-event-stream/postgres';
import pg from 'pg';
import { LEASE_MS, NAMES, failing, slotModelSuite, type Key } from '../contract/slots.model.js';
import { ManualClock } from '../fixtures/manual-clock.js';
import { describePostgres, testSchema } from '../fixtures/postgres.js';

await describePostgres('postgresSlots, by the model', (url) => {
  const schema = testSchema();
  let admin: pg.Client;
  /** The tables exist. Checking them again for each store takes longer than most of the test. */
  let created = false;
  beforeAll(async () => {
    admin = new pg.Client({ connectionString: url });
    await admin.connect();
  });
  afterAll(() => admin.end());

  slotModelSuite(
    async () => {
      const clocks: ManualClock[] = [];
      const stores: ReturnType<typeof postgresSlots>[] = [];
      /** The holder of each lease. */
      const grants = new Map<string, number>();
      const leases = new Map<number, string[]>();
      const listening = `LISTEN "sse_slots_${schema}"`;
      const open = async (node: number): Promise<void> => {
        clocks[node] = new ManualClock();
        stores[node] = postgresSlots({
          client: url,
          schema,
          createSchema: !created,
          leaseMs: LEASE_MS,
          clock: clocks[node],
          pingMs: false,
        });
        const before = await listeners();
        const idle = { key: 'idle', max: 9, replaceOldest: false, onReplaced: () => undefined };
        const answer = await stores[node].acquire([idle]);
        created = true;
        if ('slot' in answer) answer.slot.release();
        // Evictions are announced to it from now on.
        while ((await listeners()) <= before) await new Promise(setImmediate);
      };
      const listeners = async (): Promise<number> => {
        const text = "SELECT FROM pg_stat_activity WHERE query = $1 AND state = 'idle'";
        return (await admin.query(text, [listening])).rowCount ?? 0;
      };
      for (const node of [0, 1]) await open(node);
      await admin.query(`TRUNCATE "${schema}".sse_leases`);
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
          const { rows } = await admin.query<{ key: Key; id: string }>(
            `SELECT key, id FROM "${schema}".sse_leases ORDER BY since, id`,
          );
          const of = (key: Key) => rows.filter((row) => row.key === key);
          return Object.fromEntries(
            NAMES.map((key) => [key, of(key).map(({ id }) => grants.get(id) ?? -1)]),
          ) as Record<Key, number[]>;
        },
        expire: async ({ name }) => {
          const text = `UPDATE "${schema}".sse_leases SET expires = now() - interval '1 s' WHERE id = ANY ($1)`;
          await admin.query(text, [leases.get(name) ?? []]);
        },
        lose: async ({ name }) => {
          await admin.query(`DELETE FROM "${schema}".sse_leases WHERE id = ANY ($1)`, [
            leases.get(name) ?? [],
          ]);
        },
        // Not by the clock: an eviction during a renewal sets the next timer, so nothing would show when the renewal is over.
        renew: (node) => (stores[node] as unknown as { renew(): Promise<void> }).renew(),
        die: async (node) => {
          const { server } = stores[node] as unknown as { server: { close(): void } };
          server.close();
          while ((await listeners()) > 1) await new Promise(setImmediate);
          await open(node);
        },
        close: async () => {
          await Promise.all(stores.map((store) => store.close()));
          while ((await listeners()) > 0) await new Promise(setImmediate);
        },
      };
    },
    failing,
    40,
  );
});
