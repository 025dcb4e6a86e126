import type { DuckDBPreparedStatement } from '@duckdb/node-api';
import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Pace } from '../pace.js';
import { Engine } from './engine.service.js';
import { HISTORY } from './historical-sql.js';

/** The stream of readings; as it is stored, `table(readings)`. */
export const READINGS = 'readings';
/** Bytes of one reading, about: four numbers of eight bytes and a short name. */
export const READING_BYTES = 41;

const SENSORS = 10;
/** Between two readings of a sensor, at the demo's normal speed. */
const EVERY_MS = 500;
/** As many rows are there from the start. */
const BACKLOG = 10_000;
/** As many are kept. */
const KEPT = 1_000_000;

const CREATE = `CREATE TABLE ${HISTORY}.${READINGS} (
  id BIGINT, sensor VARCHAR, temperature DOUBLE, humidity DOUBLE, _tp_time TIMESTAMP)`;

/** $3 readings of each sensor, the first of them $2 µs after 1970; $1 rows are there already. */
const INSERT = `INSERT INTO ${HISTORY}.${READINGS}
  SELECT $1 + ${SENSORS} * r + s, 'sensor-' || s,
    round(18 + s + 4 * sin(($1 + r) / 700.0 + s) + random(), 2),
    round(50 + 20 * cos(($1 + r) / 900.0 - s) + 2 * random(), 2),
    make_timestamp($2 + r * ${EVERY_MS * 1000})
  FROM range($3) rounds(r), range(1, ${SENSORS + 1}) sensors(s)`;

/** Where a stream of readings ends now. */
export interface StreamEnd {
  /** Id of the newest reading; ids are consecutive, from 1. */
  readonly id: number;
  /** When it was taken, in milliseconds since 1970. */
  readonly time: number;
}

/** A few sensors whose readings never cease: a table that grows, and those who wait for it to. */
@Injectable()
export class SensorReadings implements OnModuleInit, BeforeApplicationShutdown {
  readonly #log = new Logger(SensorReadings.name);
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<() => void>();
  #end: StreamEnd = { id: 0, time: 0 };
  #trimmed = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly engine: Engine,
    private readonly pace: Pace,
  ) {}

  async onModuleInit(): Promise<void> {
    const { writer } = this.engine;
    await writer.run(CREATE);
    const insert = await writer.prepare(INSERT);
    const rounds = BACKLOG / SENSORS;
    await this.#insert(insert, Date.now() - rounds * EVERY_MS, rounds);
    this.#writing = this.#write(insert);
  }

  /** Before the engine is closed. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping.abort();
    await this.#writing;
  }

  /** Where the stream ends now: what comes after it is new. */
  get end(): StreamEnd {
    return this.#end;
  }

  /** How many readings are stored. */
  get stored(): number {
    return this.#end.id - this.#trimmed;
  }

  /** Resolves when there are readings after that one, or `signal` aborts. */
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
        // Another query has all of the memory, for example: the sensors go on.
        const [reason] = (error as Error).message.split('\n', 1);
        this.#log.warn(`Readings were lost: ${reason}`);
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
    this.#end = { id: this.#end.id + SENSORS * rounds, time: from + (rounds - 1) * EVERY_MS };
  }

  async #trim(): Promise<void> {
    this.#trimmed = this.#end.id - KEPT;
    await this.engine.writer.run(`DELETE FROM ${HISTORY}.${READINGS} WHERE id <= ${this.#trimmed}`);
  }
}
