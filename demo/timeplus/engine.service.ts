import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { Injectable } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { EngineConnection, type Turns } from './engine-connection.js';
import { HISTORY, STORE } from './historical-sql.js';
import { Slots } from './slots.js';

/**
 * Each call uses a thread of libuv's pool. Files and DNS lookups need threads as well, so one thread is reserved for
 * them, and one for short calls. With a larger `UV_THREADPOOL_SIZE`, more long queries run at the same time.
 */
const POOL_SIZE = Number(process.env['UV_THREADPOOL_SIZE']) || 4;

/** No files, no network, no extensions, and little memory. The settings cannot be changed later. */
const SETTINGS = [
  `SET memory_limit = '512MB'`,
  `SET temp_directory = ''`,
  `SET autoinstall_known_extensions = false`,
  `SET autoload_known_extensions = false`,
  `SET allow_community_extensions = false`,
  `SET enable_external_access = false`,
  `SET lock_configuration = true`,
] as const;

/** A database in memory that runs SQL on its own threads, for any number of clients. */
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

  /** Starts an engine that contains only the schemas of the tables. */
  static async start(): Promise<Engine> {
    // A query uses only the thread that called it.
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const own = await instance.connect();
    for (const setting of SETTINGS) await own.run(setting);
    await own.run(`CREATE SCHEMA ${HISTORY}; CREATE SCHEMA ${STORE}`);
    const reader = await own.runAndReadAll(
      `SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'`,
    );
    return new Engine(instance, own, ['count_star', ...reader.getColumns().flat().map(String)]);
  }

  /** The number of connected clients. */
  get connected(): number {
    return this.#connections.size;
  }

  /** The number of running calls. */
  get working(): number {
    return this.#turns.all.taken;
  }

  /** Opens a connection until `signal` aborts. The signal must abort at some time. */
  async connect(signal: AbortSignal): Promise<EngineConnection> {
    const connection = new EngineConnection(await this.instance.connect(), this.#turns, signal);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    return connection;
  }

  /** The connection of the engine itself, which fills the tables. It does not wait for a slot. */
  get writer(): DuckDBConnection {
    return this.own;
  }

  /** Runs when the streams have ended, and their connections with them. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.#connections].map(({ closed }) => closed));
    this.own.closeSync();
    this.instance.closeSync();
  }
}
