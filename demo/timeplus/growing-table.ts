import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';
import { Logger } from '@nestjs/common';
import type { Pace } from '../pace.js';
import { HISTORY, STORE } from './historical-sql.js';
import { EVERY_MS, type StreamTable } from './stream-tables.js';

/** Maximum number of rows that are kept. */
const KEPT = 1_000_000;

/** The end of a stream at one moment. */
export interface StreamEnd {
  /** Id of the newest row. Ids are consecutive, from 1. */
  readonly id: number;
  /** Time of the newest row, in milliseconds since 1970. */
  readonly time: number;
}

/** A table to which rows are added until it is stopped, and the queries that wait for them. */
export class GrowingTable {
  readonly #log = new Logger(GrowingTable.name);
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<() => void>();
  #end: StreamEnd = { id: 0, time: 0 };
  #trimmed = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    readonly table: StreamTable,
    private readonly writer: DuckDBConnection,
    private readonly pace: Pace,
  ) {}

  /** Creates the table with its backlog, and starts to add rows. */
  async start(): Promise<void> {
    const { name, columns, shown, rounds, backlog, rowsPerRound } = this.table;
    await this.writer.run(`CREATE TABLE ${STORE}.${name} (${columns})`);
    await this.writer.run(`CREATE VIEW ${HISTORY}.${name} AS SELECT ${shown} FROM ${STORE}.${name}`);
    const insert = await this.writer.prepare(`INSERT INTO ${STORE}.${name} ${rounds}`);
    const count = backlog / rowsPerRound;
    await this.#insert(insert, Date.now() - count * EVERY_MS, count);
    this.#writing = this.#write(insert);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#writing;
  }

  /** The current end. All rows after it are new. */
  get end(): StreamEnd {
    return this.#end;
  }

  /** Number of rows that are stored. */
  get stored(): number {
    return this.#end.id - this.#trimmed;
  }

  /** Creates the table without rows, under its own name, for one connection. */
  get createEmpty(): string {
    return `CREATE TEMP TABLE ${this.table.name} AS FROM ${HISTORY}.${this.table.name} LIMIT 0`;
  }

  /** Copies the rows with ids from $1 (exclusive) to $2 (inclusive) into the table of one connection. */
  get load(): string {
    const { name, shown } = this.table;
    return `INSERT INTO temp.${name} SELECT ${shown} FROM ${STORE}.${name} WHERE id > $1 AND id <= $2 ORDER BY id`;
  }

  /** Resolves when there are rows after this one, or `signal` aborts. */
  async after(id: number, signal: AbortSignal): Promise<void> {
    if (this.#end.id > id || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  async #write(insert: DuckDBPreparedStatement): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#insert(insert, Date.now(), 1);
        if (this.#end.id % KEPT === 0) await this.#trim();
      } catch (error) {
        // For example, a query uses all of the memory. Later rows can be stored again.
        const [reason] = (error as Error).message.split('\n', 1);
        this.#log.warn(`Rows of ${this.table.name} were lost: ${reason}`);
      }
      for (const wake of this.#waiting) wake();
      await this.pace.sleep(EVERY_MS, signal);
    }
  }

  async #insert(insert: DuckDBPreparedStatement, from: number, rounds: number): Promise<void> {
    insert.bindBigInt(1, BigInt(this.#end.id));
    insert.bindBigInt(2, BigInt(from) * 1000n);
    insert.bindBigInt(3, BigInt(rounds));
    await insert.run();
    const rows = this.table.rowsPerRound * rounds;
    this.#end = { id: this.#end.id + rows, time: from + (rounds - 1) * EVERY_MS };
  }

  async #trim(): Promise<void> {
    this.#trimmed = this.#end.id - KEPT;
    await this.writer.run(`DELETE FROM ${STORE}.${this.table.name} WHERE id <= ${this.#trimmed}`);
  }
}
