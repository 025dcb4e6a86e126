import {
  ResultReturnType,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  type DuckDBValue,
} from '@duckdb/node-api';
import { BadRequestException } from '@nestjs/common';
import { rowBatches, type Row } from './row-batches.js';
import type { Slots } from './slots.js';

/** Where the calls of a connection wait for their turn. */
export interface Turns {
  /** All calls. */
  readonly all: Slots;
  /** Those of them that may take their time. There are fewer, so that a short one never waits for long ones alone. */
  readonly long: Slots;
}

/** A call that takes longer is interrupted: there are only so many threads. */
const MAX_CALL_MS = 60_000;
/** Where all who may take their time do, a statement that needs no more is answered nevertheless. */
const QUICK_MS = 200;
/** So long may it take to find out why a query failed. */
const MAX_REASON_MS = 5_000;
const INTERRUPT_EVERY_MS = 5;

/** A statement that runs, and its rows. */
interface Started {
  readonly statement: DuckDBPreparedStatement;
  readonly result: DuckDBResult;
}

class TookTooLong extends BadRequestException {
  constructor(maxMs: number) {
    super(`The query took longer than ${maxMs} ms.`);
  }
}

/**
 * One query's connection to the engine, for as long as its client stays. When `signal` aborts, what runs on it is
 * interrupted, and the connection is closed as soon as it has stopped.
 */
export class EngineConnection {
  readonly #closed: Promise<void>;
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly connection: DuckDBConnection,
    private readonly turns: Turns,
    private readonly signal: AbortSignal,
  ) {
    this.#closed = aborted(signal).then(async () => {
      await this.#running;
      connection.closeSync();
    });
  }

  /** Resolves when nothing of it is left. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** @throws {BadRequestException} with the engine's words, as all calls. */
  async run(sql: string, values: DuckDBValue[] = []): Promise<void> {
    await this.#call(() => this.connection.run(sql, values));
  }

  /** The one value of a query's one row. */
  async value(sql: string, values: DuckDBValue[]): Promise<DuckDBValue> {
    const reader = await this.#call(() => this.connection.runAndReadAll(sql, values));
    return reader.value(0, 0);
  }

  prepare(sql: string): Promise<DuckDBPreparedStatement> {
    return this.#call(() => this.connection.prepare(sql));
  }

  /** The rows of a statement, computed no faster than they are taken; all from one state of the tables. */
  async *rows(sql: string): AsyncGenerator<Row[], void, undefined> {
    const { statement, result } = await this.#started(sql);
    for (;;) {
      const chunk = await this.#call(() => result.fetchChunk());
      if (chunk === null || chunk.rowCount === 0) break;
      yield* rowBatches(chunk);
    }
    // A result that breaks off ends like one that is complete: all that tells them apart is what it says it is.
    if (result.returnType === ResultReturnType.INVALID) throw await this.#call(() => this.#failure(sql));
    statement.destroySync();
    await this.run('COMMIT');
  }

  /** The first rows are what a long query takes long for: until they are there, it may be begun again. */
  async #started(sql: string): Promise<Started> {
    const { all, long } = this.turns;
    if (long.taken === long.size) {
      try {
        return await all.run(() => this.#guarded(() => this.#start(sql), QUICK_MS), this.signal);
      } catch (error) {
        if (!(error instanceof TookTooLong)) throw error;
      }
    }
    return long.run(() => this.#call(() => this.#start(sql)), this.signal);
  }

  /**
   * Planned and run in one transaction: the engine plans by what it knows of the values that are there, and reads
   * values wrongly that come in between (duckdb/duckdb#23704).
   */
  async #start(sql: string): Promise<Started> {
    await this.#rollback();
    await this.connection.run('BEGIN');
    const statement = await this.connection.prepare(sql);
    return { statement, result: await statement.stream() };
  }

  /** Ends the transaction of a statement that came to nothing, if there is one. */
  async #rollback(): Promise<void> {
    await this.connection.run('ROLLBACK').catch(() => undefined);
  }

  /** The reason is not told with the result, but it is to who asks for the same work without the rows. */
  async #failure(sql: string): Promise<BadRequestException> {
    await this.#rollback();
    try {
      await this.#guarded(() => this.connection.run(`EXPLAIN ANALYZE ${sql}`), MAX_REASON_MS);
    } catch (error) {
      if (error instanceof BadRequestException) return error;
    }
    return new BadRequestException('The query has failed midway.');
  }

  #call<T>(work: () => Promise<T>): Promise<T> {
    return this.turns.all.run(() => this.#guarded(work, MAX_CALL_MS), this.signal);
  }

  async #guarded<T>(work: () => Promise<T>, maxMs: number): Promise<T> {
    const { signal, connection } = this;
    signal.throwIfAborted();
    let repeating: NodeJS.Timeout | undefined;
    let late = false;
    // The engine forgets an interrupt that comes before it has begun with the call.
    const interrupt = (): void => {
      connection.interrupt();
      repeating ??= setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS);
    };
    const limit = setTimeout(() => {
      late = true;
      interrupt();
    }, maxMs);
    signal.addEventListener('abort', interrupt);
    try {
      const running = work();
      this.#running = running.catch(() => undefined);
      const result = await running;
      // Some calls answer an interrupt as if they had come to an end.
      if (!late && !signal.aborted) return result;
    } catch (error) {
      if (!late && !signal.aborted) throw new BadRequestException((error as Error).message);
    } finally {
      clearTimeout(limit);
      clearInterval(repeating);
      signal.removeEventListener('abort', interrupt);
    }
    signal.throwIfAborted();
    throw new TookTooLong(maxMs);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
