import pg from 'pg';
import { postgresLog } from './postgres-log.js';
import { resolvePostgresLogOptions } from './postgres-log.options.js';
import { migrations } from '../schema/migrations.js';

const client = 'postgres://localhost/shop';

const refused = (what: string): Error =>
  expect.objectContaining({
    code: 'SSE_INVALID_OPTIONS',
    message: expect.stringContaining(what) as string,
  }) as Error;

describe('postgresLog() rejects invalid options', () => {
  it.each<[unknown, string]>([
    [
      {},
      'postgresLog(): Missing option "client". Use a Pool of "pg", the options of one, or a connection string.',
    ],
    [client, 'postgresLog(): Invalid options: "postgres://localhost/shop".'],
    [{ client, maxEvent: 5 }, 'postgresLog(): Unknown option "maxEvent": 5. Did you mean "maxEvents"?'],
    [{ client, prefix: 'x' }, 'postgresLog(): Unknown option "prefix": "x".'],
    [
      { client, createSchema: 'yes' },
      'postgresLog(): Invalid option "createSchema": "yes". Use true or false.',
    ],
    [{ client, listen: true }, 'postgresLog(): Invalid option "listen": true.'],
    [{ client, pollMs: false }, 'postgresLog(): Invalid option "pollMs": false. Use a positive'],
    ...['a-b', '', '1a', 'a"b', 'x'.repeat(49), 5].map((schema): [object, string] => [
      { client, schema },
      'Invalid option "schema"',
    ]),
    ...['maxEvents', 'maxBytes', 'maxAgeMs', 'maxEventBytes', 'waitMs', 'forgetMs', 'pingMs'].flatMap(
      (name) =>
        [0, -1, NaN, Infinity, '5'].map((value): [object, string] => [
          { client, [name]: value },
          `postgresLog(): Invalid option "${name}": ${typeof value === 'string' ? '"5"' : value}. Use a positive`,
        ]),
    ),
    [
      { client, maxEvents: false, maxBytes: false, maxAgeMs: false },
      'postgresLog(): Invalid option "maxAgeMs": false. Without any limit the data in PostgreSQL grows forever.',
    ],
  ])('%j', (options, what) => {
    expect(() => resolvePostgresLogOptions(options as never)).toThrow(refused(what));
  });

  it.each<[string, unknown]>([
    ['a number', 5],
    ['a client that belongs to the application', new pg.Client({ host: 'localhost' })],
    ['the class in place of a pool', pg.Pool],
    ['a URL of another server', 'redis://app:secret@localhost'],
    ['a URL of a page', 'HTTP://localhost:5432/shop'],
  ])('a "client" that is %s', (_, given) => {
    expect(() => postgresLog({ client: given as never })).toThrow(
      refused('The option "client" is not a valid PostgreSQL connection'),
    );
  });

  it('names the scheme of another URL, and nothing else of it', () => {
    expect(() => postgresLog({ client: 'redis://app:secret@localhost' })).toThrow(
      refused('The option "client" is not a valid PostgreSQL connection: "redis://…".'),
    );
  });

  it.each(['postgresql://localhost/shop', 'socket:/var/run/postgresql', '/var/run/postgresql shop'])(
    'accepts %s',
    (given) => {
      const log = postgresLog({ client: given });
      expect(log.health().status).toBe('down');
      log.close();
    },
  );

  it('and accepts others', () => {
    expect(
      resolvePostgresLogOptions({ client, waitMs: false, pollMs: undefined, schema: 'Shop_1' }),
    ).toMatchObject({
      waitMs: false,
      schema: 'Shop_1',
      maxConnections: 4,
    });
  });
});

describe('migrations()', () => {
  it('names the schema in each statement, and creates it first', () => {
    const [first] = migrations({ schema: 'shop' });
    expect(first).toMatchObject({ version: 1 });
    expect(first?.sql).toMatch(/^CREATE SCHEMA IF NOT EXISTS "shop";/);
    expect(first?.sql).not.toMatch(/\$S|\$K/);
    expect(migrations()[0]?.sql).toContain('"sse".sse_events');
  });

  it('rejects a name that would have to be escaped', () => {
    expect(() => migrations({ schema: 'a"; DROP' })).toThrow(
      refused('migrations(): Invalid option "schema"'),
    );
  });
});

it('a pool is not used, and its password is passed on but not shown', () => {
  const pool = new pg.Pool({ host: 'db', port: 5433, database: 'shop', user: 'u', password: 'secret' });
  const log = postgresLog({ client: pool });
  const { link } = log as unknown as { link: { address: string } };
  expect(link.address).toBe('PostgreSQL at db:5433/shop');
  expect([pool.totalCount, pool.waitingCount]).toEqual([0, 0]);
  log.close();
});
