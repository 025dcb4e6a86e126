import { postgresSlots } from 'nestjs-event-stream/postgres';
import pg from 'pg';
import { slotOutageSuite, slotSuite } from '../contract/slots.suite.js';
import { describePostgres, describePostgresServer, runSql, testSchema } from '../fixtures/postgres.js';
import { PostgresServer } from '../fixtures/postgres-server.mjs';

await describePostgres('postgresSlots', (url) => {
  const schema = testSchema();
  const table = `"${schema}".sse_leases`;
  let admin: pg.Client;
  let tests = 0;
  beforeAll(async () => {
    const first = postgresSlots({ client: url, schema, createSchema: true });
    await first.acquire([{ key: 'first', max: 1, replaceOldest: false, onReplaced: () => undefined }]);
    await first.close();
    admin = new pg.Client({ connectionString: url });
    await admin.connect();
  });
  afterAll(() => admin.end());

  async function ids(where: string, key: string): Promise<string[]> {
    const text = `SELECT id FROM ${table} WHERE key = $1 ${where} ORDER BY since, id`;
    return (await admin.query<{ id: string }>(text, [key])).rows.map(({ id }) => id);
  }

  slotSuite(() => {
    // The keys of each test are its own.
    const test = `${++tests}:`;
    return {
      store(options) {
        const store = postgresSlots({ client: url, schema, ...options });
        return {
          get size() {
            return store.size;
          },
          acquire: async (requests) => {
            const answer = await store.acquire(requests.map((each) => ({ ...each, key: test + each.key })));
            return 'full' in answer
              ? { full: { ...answer.full, key: answer.full.key.slice(test.length) } }
              : answer;
          },
          close: () => store.close(),
        };
      },
      leases: (key) => ids('', test + key),
      expired: (key) => ids('AND expires <= clock_timestamp()', test + key),
      async expire(key, lease) {
        const text = `UPDATE ${table} SET expires = now() - interval '1 s' WHERE key = $1 AND id = $2`;
        await admin.query(text, [test + key, lease]);
      },
      async lose(key) {
        await admin.query(`DELETE FROM ${table} WHERE key = $1`, [test + key]);
      },
    };
  });

  it('of 20,000 others can be granted when the limit is lowered', async () => {
    const store = postgresSlots({ client: url, schema });
    const add = `INSERT INTO ${table} SELECT 'many', 'gone:' || i, i, now() + interval '1 hour' FROM generate_series(1, 20000) i`;
    await admin.query(add);
    const request = { key: 'many', max: 3, replaceOldest: true, onReplaced: () => undefined };
    expect(await store.acquire([request])).toHaveProperty('slot');
    expect(await ids('', 'many')).toHaveLength(3);
    await store.close();
  });

  it('without notifications, a process learns of an eviction when it renews', async () => {
    const [a, b] = [0, 1].map(() => postgresSlots({ client: url, schema, listen: false, leaseMs: 300 }));
    const replaced = new Promise<void>((resolve) => {
      const request = { key: 'deaf', max: 1, replaceOldest: true, onReplaced: resolve };
      void a!.acquire([request]).then(() => b!.acquire([{ ...request, onReplaced: () => undefined }]));
    });
    await replaced;
    expect([a!.size, b!.size]).toEqual([0, 1]);
    await Promise.all([a!.close(), b!.close()]);
  });
});

describePostgresServer('postgresSlots while its PostgreSQL is away', () => {
  let server: PostgresServer;
  const schemas = new Set<string>();
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.remove());

  slotOutageSuite(async () => {
    const schema = `s${schemas.size}`;
    schemas.add(schema);
    let saved = false;
    const first = postgresSlots({ client: server.url, schema, createSchema: true });
    await first.acquire([{ key: 'first', max: 1, replaceOldest: false, onReplaced: () => undefined }]);
    await first.close();
    return {
      store: (options) => postgresSlots({ client: server.url, schema, ...options }),
      // Leases are lost in a crash, and each process registers its own again.
      kill: () => (saved ? server.stop() : server.kill()),
      start: () => server.start(),
      save: async () => void (saved = true),
      freeze: () => server.freeze(),
      resume: () => server.resume(),
      loseLeases: async () => void (await runSql(server.url, `TRUNCATE ${schema}.sse_leases`)),
      forget: async () => undefined,
      remove: async () => {
        await server.kill();
        await server.start();
      },
    };
  });
});
