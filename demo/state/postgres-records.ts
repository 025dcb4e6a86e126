import { ServiceUnavailableException } from '@nestjs/common';
import pg from 'pg';
import { Records } from './records.js';

/** Milliseconds that a query may take before the request that needs it fails. */
const WAIT_MS = 5000;

const TABLE = `
CREATE SCHEMA IF NOT EXISTS demo;
CREATE TABLE IF NOT EXISTS demo.records (key text PRIMARY KEY, value text NOT NULL, changed timestamptz NOT NULL);
DELETE FROM demo.records WHERE changed < now() - interval '1 day'`;

const INSERT = 'INSERT INTO demo.records VALUES ($1, $2, now()) ON CONFLICT DO NOTHING';
const REPLACE = 'UPDATE demo.records SET value = $2, changed = now() WHERE key = $1 AND value = $3';

/** Records that are shared by all processes with the same database. The connection is opened on first use. */
export class PostgresRecords extends Records {
  readonly #pool: pg.Pool;
  #table: Promise<unknown> | undefined;

  constructor(url: string) {
    super();
    this.#pool = new pg.Pool({
      connectionString: url,
      max: 4,
      connectionTimeoutMillis: WAIT_MS,
      query_timeout: WAIT_MS,
    });
    // The pool replaces a lost connection on demand.
    this.#pool.on('error', () => undefined);
  }

  async read<T>(key: string): Promise<T | undefined> {
    const text = await this.#text(key);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  async update<T>(key: string, change: (now: T | undefined) => T): Promise<T> {
    for (;;) {
      const before = await this.#text(key);
      const next = change(before === undefined ? undefined : (JSON.parse(before) as T));
      const text = JSON.stringify(next);
      const changed =
        before === undefined
          ? await this.#ask(INSERT, [key, text])
          : await this.#ask(REPLACE, [key, text, before]);
      // Otherwise another process was faster: start again from its record.
      if (changed.rowCount === 1) return next;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#ask('DELETE FROM demo.records WHERE key = $1', [key]);
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #text(key: string): Promise<string | undefined> {
    const { rows } = await this.#ask('SELECT value FROM demo.records WHERE key = $1', [key]);
    return (rows[0] as { value: string } | undefined)?.value;
  }

  /** @throws {ServiceUnavailableException} if PostgreSQL does not answer in time. */
  async #ask(text: string, values: unknown[]): Promise<pg.QueryResult> {
    try {
      this.#table ??= this.#makeTable();
      await this.#table;
      return await this.#pool.query(text, values);
    } catch (error) {
      throw new ServiceUnavailableException('PostgreSQL does not answer. Try again later.', { cause: error });
    }
  }

  async #makeTable(): Promise<void> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      this.#table = undefined;
      throw error;
    });
    try {
      // Several processes that start at the same time would otherwise create the table twice.
      await client.query(`BEGIN; SELECT pg_advisory_xact_lock(7254091); ${TABLE}; COMMIT`);
    } catch (error) {
      this.#table = undefined;
      throw error;
    } finally {
      client.release();
    }
  }
}
