import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { Injectable } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { EngineConnection, type Turns } from './engine-connection.js';
import { HISTORY } from './historical-sql.js';
import { Slots } from './slots.js';

/**
 * Each call holds a thread of libuv's pool, which files and name look-ups need as well: one is left to them, and one to
 * calls that are short. A larger `UV_THREADPOOL_SIZE` lets more long queries run at once.
 */
const POOL_SIZE = Number(process.env['UV_THREADPOOL_SIZE']) || 4;

/** No files, no network, no extensions, little memory, and no way back. */
const SETTINGS = [
  `SET memory_limit = '512MB'`,
  `SET temp_directory = ''`,
  `SET autoinstall_known_extensions = false`,
  `SET autoload_known_extensions = false`,
  `SET allow_community_extensions = false`,
  `SET enable_external_access = false`,
  `SET lock_configuration = true`,
] as const;

/** A database in memory that runs SQL on threads of its own, for any number of clients at once. */
@Injectable()
export class Engine implements OnApplicationShutdown {
  /** Names of the aggregate functions. */
  readonly aggregates: ReadonlySet<string>;
  readonly #connections = new Set<EngineConnection>();
  readonly #turns: Turns = {
    all: new Slots(Math.max(1, POOL_SIZE - 1)),
    long: new Slots(Math.max(1, POOL_SIZE - 2)),
  };

  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly own: DuckDBConnection,
    aggregates: Iterable<string>,
  ) {
    this.aggregates = new Set(aggregates);
  }

  /** A new engine, with nothing in it but the schema of stored tables. */
  static async start(): Promise<Engine> {
    // A query has the thread that called it, and no more.
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const own = await instance.connect();
    for (const setting of SETTINGS) await own.run(setting);
    await own.run(`CREATE SCHEMA ${HISTORY}`);
    const reader = await own.runAndReadAll(
      `SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'`,
    );
    return new Engine(instance, own, ['count_star', ...reader.getColumns().flat().map(String)]);
  }

  /** How many clients are connected. */
  get connected(): number {
    return this.#connections.size;
  }

  /** How many calls are being worked on. */
  get working(): number {
    return this.#turns.all.taken;
  }

  /** A connection until `signal` aborts, which must happen. */
  async connect(signal: AbortSignal): Promise<EngineConnection> {
    const connection = new EngineConnection(await this.instance.connect(), this.#turns, signal);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    return connection;
  }

  /** The engine's own connection, for those who fill the tables: they need not wait for a turn. */
  get writer(): DuckDBConnection {
    return this.own;
  }

  /** When the streams have ended, and with them their connections. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.#connections].map(({ closed }) => closed));
    this.own.closeSync();
    this.instance.closeSync();
  }
}
