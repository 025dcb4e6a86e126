import { SseError, quoted } from '../../errors/sse.errors.js';
import { loadPg } from './pg-package.cjs';

/** A `Pool` of `pg`, or of a package with the same interface. */
export interface PostgresPoolLike {
  readonly options: object;
  readonly totalCount: number;
  connect(...args: never[]): unknown;
}

/** Options of a client of `pg`. */
export interface PostgresConfig {
  connectionString?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  user?: string | undefined;
  password?: string | (() => string | Promise<string>) | undefined;
  database?: string | undefined;
  /** All other options, such as `ssl`, are passed on. */
  [option: string]: unknown;
}

/**
 * How to connect to PostgreSQL: a pool, whose options are copied (the pool itself is not used), the options of one, or a
 * connection string (`postgres://…`).
 */
export type PostgresConnection = PostgresPoolLike | PostgresConfig | string;

/** Rows as arrays of their columns. */
export type Rows = readonly (readonly unknown[])[];

/** Runs one statement. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<Rows>;

/** The parts of a client of `pg` that the library uses. */
export interface PostgresClient {
  readonly host?: string;
  readonly port?: number;
  readonly database?: string | undefined;
  connect(): Promise<unknown>;
  query(query: { text: string; values: unknown[]; rowMode: 'array' }): Promise<{ rows: unknown[][] }>;
  end(): Promise<void>;
  on(event: string, listener: (value: never) => void): unknown;
}

export type ClientClass = new (config: object) => PostgresClient;

/** Makes clients that are not connected yet. */
export interface ClientFactory {
  /** Where the server is, without credentials. */
  readonly address: string;
  readonly Client: ClientClass;
  /** The options of each client, as the application gave them. */
  readonly config: object;
  /** Milliseconds after which a client gives up an attempt to connect. */
  readonly connectMs: number;
  make(): PostgresClient;
}

/**
 * Prepares to connect to what an option names.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` if it is not a valid connection, or if `pg` is needed and not installed.
 */
export function clientFactory(
  option: string,
  connection: PostgresConnection,
  timeoutMs: number,
): ClientFactory {
  const given: unknown = typeof connection === 'string' ? { connectionString: connection } : connection;
  if (typeof given !== 'object' || given === null) throw invalid(option, given);
  // The client of "pg" takes the address out of a URL of any kind.
  if (typeof connection === 'string' && OTHER_URL.test(connection))
    throw invalid(option, connection.replace(/:\/\/.*/s, '://…'));
  if ('connectionParameters' in given || typeof given === 'function') throw invalid(option, given);
  const pool = 'options' in given && 'connect' in given ? (given as unknown as FilledPool) : undefined;
  const Client = pool?.Client ?? loadClient();
  const config = configOf(pool?.options ?? given);
  const connectMs = config.connectionTimeoutMillis || timeoutMs;
  const make = (): PostgresClient => new Client({ ...config, connectionTimeoutMillis: connectMs });
  try {
    return { address: addressOf(make()), Client, config, connectMs, make };
  } catch {
    // The message of the driver could contain the password.
    throw invalid(option, '…');
  }
}

const OTHER_URL = /^(?!(?:postgres|postgresql|socket):)[a-z][a-z\d+.-]*:\/\//i;

interface FilledPool {
  readonly options: object;
  readonly Client?: ClientClass;
}

function configOf(options: object): PostgresConfig & { connectionTimeoutMillis?: number } {
  const { password, ssl } = options as PostgresConfig;
  return {
    keepAlive: true,
    application_name: 'nestjs-event-stream',
    ...options,
    // A pool hides these two from enumeration.
    ...(password === undefined ? {} : { password }),
    ...(ssl === undefined ? {} : { ssl }),
  };
}

function addressOf({ host = 'localhost', port = 5432, database }: PostgresClient): string {
  return `PostgreSQL at ${host}:${port}${database ? `/${database}` : ''}`;
}

function loadClient(): ClientClass {
  const pg = loadPg();
  if (pg) return pg.Client as ClientClass;
  throw new SseError('SSE_INVALID_OPTIONS', 'The package "pg" is not installed.', {
    remedy: 'Run "npm install pg", or pass a Pool instead of options or a connection string.',
  });
}

function invalid(option: string, given: unknown): SseError {
  return new SseError(
    'SSE_INVALID_OPTIONS',
    `The option "${option}" is not a valid PostgreSQL connection: ${quoted(given)}.`,
    { remedy: 'Pass a Pool of "pg", the options of one, or a connection string.' },
  );
}
