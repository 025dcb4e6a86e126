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

/** The slots that the calls of a connection wait for. */
export interface Turns {
  /** For all calls. */
  readonly all: Slots;
  /** For calls that may be long. There are fewer of these slots, so that a short call never waits for long ones only. */
  readonly long: Slots;
}

/** A call that takes longer is interrupted, because the number of threads is limited. */
const MAX_CALL_MS = 60_000;
/** While all slots for long calls are taken, a statement gets an answer if it needs no more time than this. */
const QUICK_MS = 200;
/** On a computer with much other work, a short statement can take longer. Then another attempt may be in time. */
const QUICK_ATTEMPTS = 8;
/** Maximum time to find out why a query failed. */
const MAX_REASON_MS = 5_000;
const INTERRUPT_EVERY_MS = 5;

/** A running statement and its rows. */
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
 * The connection of one query to the engine. When `signal` aborts, the running call is interrupted, and the connection
 * is closed as soon as the call has stopped.
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

  /** Resolves when the connection is closed. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** @throws {BadRequestException} with the message of the engine, as all calls do. */
  async run(sql: string, values: DuckDBValue[] = []): Promise<void> {
    await this.#call(() => this.connection.run(sql, values));
  }

  /** The only value in the only row of a query. */
  async value(sql: string, values: DuckDBValue[]): Promise<DuckDBValue> {
    const reader = await this.#call(() => this.connection.runAndReadAll(sql, values));
    return reader.value(0, 0);
  }

  prepare(sql: string): Promise<DuckDBPreparedStatement> {
    return this.#call(() => this.connection.prepare(sql));
  }

  /** The rows of a statement, computed at the pace of the reader. All of them come from one state of the tables. */
  async *rows(sql: string): AsyncGenerator<Row[], void, undefined> {
    const { statement, result } = await this.#started(sql);
    for (;;) {
      const chunk = await this.#call(() => result.fetchChunk());
      if (chunk === null || chunk.rowCount === 0) break;
      yield* rowBatches(chunk);
    }
    // A result that breaks off ends like a complete one. Only its return type differs.
    if (result.returnType === ResultReturnType.INVALID) throw await this.#call(() => this.#failure(sql));
    statement.destroySync();
    await this.run('COMMIT');
  }

  /**
   * A long query spends its time before its first rows. Until they exist, it can be started again. Attempts of several queries
   * take turns.
   */
  async #started(sql: string): Promise<Started> {
    const { all, long } = this.turns;
    for (let i = 0; i < QUICK_ATTEMPTS && long.taken === long.size; i++) {
      try {
        return await all.run(() => this.#guarded(() => this.#start(sql), QUICK_MS), this.signal);
      } catch (error) {
        if (!(error instanceof TookTooLong)) throw error;
      }
    }
    return long.run(() => this.#call(() => this.#start(sql)), this.signal);
  }

  /**
   * Plans and runs a statement in one transaction. The engine plans with statistics of the stored values, and reads
   * values incorrectly that are stored between the two (duckdb/duckdb#23704).
   */
  async #start(sql: string): Promise<Started> {
    await this.#rollback();
    await this.connection.run('BEGIN');
    const statement = await this.connection.prepare(sql);
    return { statement, result: await statement.stream() };
  }

  /** Ends the transaction of a statement that failed, if there is one. */
  async #rollback(): Promise<void> {
    await this.connection.run('ROLLBACK').catch(() => undefined);
  }

  /** The result has no reason. The engine reports it when it does the same work again without the rows. */
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
    // The engine ignores an interrupt that arrives before it has started the call.
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
      // Some calls resolve after an interrupt as if they were complete.
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
