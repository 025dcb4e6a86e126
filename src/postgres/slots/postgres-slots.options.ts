import { withoutCredentials } from '../../checking/credentials.js';
import { checkOptions, type OptionTable } from '../../checking/option-check.js';
import { anyOf, delayMs, flag, having, none, oneOf } from '../../checking/option-kinds.js';
import { systemClock, type Clock } from '../../time/clock.js';
import type { PostgresConnection } from '../link/postgres-client.js';
import {
  DEFAULT_PING_MS,
  DEFAULT_SCHEMA,
  postgresClient,
  postgresListen,
  schemaName,
} from '../link/postgres-kinds.js';

/** Options of {@link postgresSlots}. */
export interface PostgresSlotsOptions {
  /** A `Pool` of `pg`, the options of one, or a connection string. A pool is not used itself: its options are copied. */
  client: PostgresConnection;
  /**
   * The connection that receives notifications, if it is another one. With `false` the process does not listen. It learns of an
   * evicted slot when it next renews its slots, every third of `leaseMs`. @default the same as `client`
   */
  listen?: PostgresConnection | false | undefined;
  /** Schema of the tables, as for {@link postgresLog}. @default 'sse' */
  schema?: string | undefined;
  /** Whether the store creates the tables, and updates them, when it connects. @default false */
  createSchema?: boolean | undefined;
  /** Milliseconds after which the slots of a process that has crashed are free again. @default 15_000 */
  leaseMs?: number | undefined;
  /**
   * Whether new connections are accepted while PostgreSQL is unavailable. With `allow` each process counts its own connections
   * alone. With `refuse` new connections fail with `SSE_LOG_UNAVAILABLE`. Open connections stay open. @default 'allow'
   */
  whileAway?: 'allow' | 'refuse' | undefined;
  /** Milliseconds to wait for an answer. After that PostgreSQL counts as unavailable. @default 2000 */
  waitMs?: number | undefined;
  /** Milliseconds after which a connection that does not answer is replaced. @default 5000 */
  pingMs?: number | false | undefined;
  /** A clock for tests. @default the system clock */
  clock?: Clock | undefined;
}

/** Resolved {@link PostgresSlotsOptions}. */
export interface PostgresSlotsSettings {
  readonly schema: string;
  readonly createSchema: boolean;
  readonly leaseMs: number;
  readonly refuses: boolean;
  readonly waitMs: number;
  readonly pingMs: number | false;
  readonly clock: Clock;
}

const TABLE: OptionTable<PostgresSlotsOptions> = {
  client: postgresClient,
  listen: postgresListen,
  schema: schemaName,
  createSchema: flag,
  leaseMs: delayMs(1),
  whileAway: oneOf('allow', 'refuse'),
  waitMs: delayMs(1),
  pingMs: anyOf(delayMs(1), none),
  clock: having(['now', 'schedule'], 'a clock'),
};

/**
 * Resolves the settings of Postgres slots.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 */
export function resolvePostgresSlotsOptions(options: PostgresSlotsOptions): PostgresSlotsSettings {
  checkOptions('postgresSlots()', withoutCredentials(options), TABLE);
  return {
    schema: options.schema ?? DEFAULT_SCHEMA,
    createSchema: options.createSchema ?? false,
    leaseMs: options.leaseMs ?? 15_000,
    refuses: options.whileAway === 'refuse',
    waitMs: options.waitMs ?? 2000,
    pingMs: options.pingMs ?? DEFAULT_PING_MS,
    clock: options.clock ?? systemClock,
  };
}
