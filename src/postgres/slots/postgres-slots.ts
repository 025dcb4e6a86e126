import type { Lease } from '../../limits/leases/lease.js';
import type { GrantAnswer, LeaseEvents, LeaseServer, RenewAnswer } from '../../limits/leases/lease-server.js';
import { LeasedSlots } from '../../limits/leases/leased-slots.js';
import { isTransient } from '../link/postgres-errors.js';
import { PostgresLink } from '../link/postgres-link.js';
import { storableKey } from '../link/storable-text.js';
import { ensureSchema } from '../schema/migrate.js';
import { inSchema } from '../schema/migrations.js';
import {
  resolvePostgresSlotsOptions,
  type PostgresSlotsOptions,
  type PostgresSlotsSettings,
} from './postgres-slots.options.js';

/**
 * Creates a slot store that applies `limit` and `exclusive` to all processes with the same database and schema. A slot is a
 * lease that its process renews. The store connects when it is first used, and is closed with the application.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 * @example
 * SseModule.forRoot({ slots: postgresSlots({ client: process.env.DATABASE_URL, createSchema: true }) })
 */
export function postgresSlots(options: PostgresSlotsOptions): PostgresSlots {
  const settings = resolvePostgresSlotsOptions(options);
  return new LeasedSlots((node, events) => leaseServer(options, settings, node, events), settings);
}

/** The slot store that {@link postgresSlots} creates. */
export type PostgresSlots = LeasedSlots;

/** A notification has less than 8000 bytes. */
const MAX_ANNOUNCED = 200;

function leaseServer(
  { client, listen }: Pick<PostgresSlotsOptions, 'client' | 'listen'>,
  settings: PostgresSlotsSettings,
  node: string,
  events: LeaseEvents,
): LeaseServer {
  const { schema, createSchema, leaseMs } = settings;
  const link = new PostgresLink(
    // One connection for statements: requests of a process take effect in the order of the calls.
    { ...settings, client, listen, notifications: `sse_slots_${schema}`, maxConnections: 1 },
    {
      async prepare(query) {
        await ensureSchema(query, schema, createSchema);
        const [[started] = []] = await query(inSchema(schema, 'SELECT $S.sse_started_1()'));
        return String(started);
      },
      up: () => events.up(),
      down: (error) => events.down(error),
      notification(payload) {
        const [to, ...ids] = payload.split(' ');
        if (to === node) events.evicted(ids);
      },
      listening: () => undefined,
      // A process that hears nothing learns of evictions when it renews.
      deaf: () => undefined,
    },
  );

  async function ask(name: string, ...args: unknown[]): Promise<unknown> {
    const places = args.map((_, i) => `$${i + 1}`).join(', ');
    // An attempt for each stream would not wait between attempts.
    if (!link.up) throw link.error ?? new Error('not connected');
    const [[answer] = []] = await link.query(inSchema(schema, `SELECT $S.${name}(${places})::text`), args);
    return JSON.parse(String(answer || 'null')) as unknown;
  }

  return {
    name: 'PostgreSQL',
    address: link.address,
    get up() {
      return link.up;
    },
    open: () => link.open(),
    grant: (leases) =>
      ask(
        'sse_grant_1',
        leaseMs,
        keysOf(leases),
        idsOf(leases),
        leases.map(({ request }) => request.max),
        leases.map(({ request }) => request.replaceOldest),
      ) as Promise<GrantAnswer>,
    renew: (leases, released) =>
      ask(
        'sse_renew_1',
        leaseMs,
        keysOf(leases.slice(0, 1))[0],
        leases[0]?.request.max,
        idsOf(leases),
        leases.map(({ since }) => since),
        idsOf(released),
      ) as Promise<RenewAnswer>,
    release: (leases) => ask('sse_release_1', keysOf(leases), idsOf(leases)).then(() => undefined),
    announceEvicted(other, ids) {
      for (let i = 0; i < ids.length; i += MAX_ANNOUNCED) {
        const part = ids.slice(i, i + MAX_ANNOUNCED);
        link.notify([`${other} ${part.join(' ')}`]).catch(() => undefined);
      }
    },
    isTransient,
    close: () => link.close(),
  };
}

function keysOf(leases: readonly Lease[]): string[] {
  return leases.map(({ request }) => storableKey(request.key));
}

function idsOf(leases: readonly Lease[]): string[] {
  return leases.map(({ id }) => id);
}
