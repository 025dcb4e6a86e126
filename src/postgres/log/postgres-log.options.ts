import { withoutCredentials } from '../../checking/credentials.js';
import { checkOptions, type OptionTable } from '../../checking/option-check.js';
import { anyOf, delayMs, flag, having, none, periodMs, wholeNumber } from '../../checking/option-kinds.js';
import { RETENTION_KINDS, byteCount, resolveRetention, type Retentions } from '../../log/retention.js';
import { systemClock, type Clock } from '../../time/clock.js';
import type { PostgresConnection } from '../link/postgres-client.js';
import {
  DEFAULT_PING_MS,
  DEFAULT_SCHEMA,
  postgresClient,
  postgresListen,
  schemaName,
} from '../link/postgres-kinds.js';
import type { TablesVersion } from '../schema/migrate.js';

/** Retention of a channel. The limit that is reached first evicts the oldest events. `false` switches a limit off. */
export interface PostgresRetention {
  /** Events kept per channel. Each node may exceed it by a quarter. @default 1000 */
  maxEvents?: number | false | undefined;
  /** Bytes of encoded events kept per channel. Each node may exceed it by a quarter. @default 1_048_576 */
  maxBytes?: number | false | undefined;
  /** Milliseconds for which an event is kept. Older events are removed at most 30 s later. @default 600_000 */
  maxAgeMs?: number | false | undefined;
}

/** Options of {@link postgresLog}: the connections to PostgreSQL, the retention, and timeouts. */
export interface PostgresLogOptions extends PostgresRetention {
  /** A `Pool` of `pg`, the options of one, or a connection string. A pool is not used itself: its options are copied. */
  client: PostgresConnection;
  /**
   * The connection that receives notifications, if it is another one. It must not go through a pooler in transaction mode,
   * such as PgBouncer. With `false` the log opens no such connection, and queries for new events
   * every `pollMs`. @default the same as `client`
   */
  listen?: PostgresConnection | false | undefined;
  /** Schema of the tables. Applications that share one database need different schemas. @default 'sse' */
  schema?: string | undefined;
  /** Whether the log creates its tables, and updates them, when it connects. @default false */
  createSchema?: boolean | undefined;
  /** Connections of each process for statements. The one for notifications comes on top. @default 4 */
  maxConnections?: number | undefined;
  /** Retention of a channel if it differs. All nodes must agree. @default the same for all channels */
  retention?: ((channel: string) => PostgresRetention | undefined) | undefined;
  /** Maximum size of one encoded event. A larger event is rejected. @default 262_144, or `maxBytes` if that is less */
  maxEventBytes?: number | false | undefined;
  /**
   * Milliseconds for which `publish()` waits while PostgreSQL is unavailable or does not answer. With `false` it fails
   * immediately while PostgreSQL is unavailable. @default 5000
   */
  waitMs?: number | false | undefined;
  /**
   * Bytes of events that may wait for PostgreSQL in this process. Publishing more fails with `SSE_LOG_UNAVAILABLE`. An event
   * counts 256 bytes more than its text. @default 67_108_864
   */
  maxPendingBytes?: number | false | undefined;
  /**
   * Milliseconds between two queries for news that no notification has announced.
   * @default 1000 while notifications arrive, 100 while they do not
   */
  pollMs?: number | undefined;
  /**
   * Milliseconds for which the log remembers a channel that has no events and no subscribers. A client that returns within
   * this time receives a gap notice only if it missed events. `false` means forever. @default 86_400_000
   */
  forgetMs?: number | false | undefined;
  /** Milliseconds after which a connection that does not answer is replaced. @default 5000 */
  pingMs?: number | false | undefined;
  /** A clock for tests. @default the system clock */
  clock?: Clock | undefined;
}

/** Resolved {@link PostgresLogOptions}. */
export interface PostgresLogSettings extends Retentions {
  readonly schema: string;
  readonly createSchema: boolean;
  readonly waitMs: number | false;
  /** `Infinity` means unlimited. */
  readonly maxPendingBytes: number;
  readonly pollMs: number | undefined;
  /** `Infinity` means forever. */
  readonly forgetMs: number;
  readonly pingMs: number | false;
  readonly maxConnections: number;
  /** Set by tests of later versions of the tables. */
  readonly tables?: TablesVersion;
  readonly clock: Clock;
}

const TABLE: OptionTable<PostgresLogOptions> = {
  ...RETENTION_KINDS,
  client: postgresClient,
  listen: postgresListen,
  schema: schemaName,
  createSchema: flag,
  maxConnections: wholeNumber(1),
  waitMs: anyOf(delayMs(1), none),
  maxPendingBytes: byteCount,
  pollMs: delayMs(1),
  forgetMs: anyOf(periodMs, none),
  pingMs: anyOf(delayMs(1), none),
  clock: having(['now', 'schedule'], 'a clock'),
};

/**
 * Resolves the settings of a Postgres log.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for unknown or invalid options, and if all limits are switched off.
 */
export function resolvePostgresLogOptions(options: PostgresLogOptions): PostgresLogSettings {
  const where = 'postgresLog()';
  checkOptions(where, withoutCredentials(options), TABLE);
  return {
    schema: options.schema ?? DEFAULT_SCHEMA,
    createSchema: options.createSchema ?? false,
    waitMs: options.waitMs ?? 5000,
    maxPendingBytes: (options.maxPendingBytes ?? 67_108_864) || Infinity,
    pollMs: options.pollMs,
    forgetMs: (options.forgetMs ?? 86_400_000) || Infinity,
    pingMs: options.pingMs ?? DEFAULT_PING_MS,
    maxConnections: options.maxConnections ?? 4,
    clock: options.clock ?? systemClock,
    ...resolveRetention(where, 'PostgreSQL', options),
  };
}
