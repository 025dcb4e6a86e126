import { randomUUID } from 'node:crypto';
import type { Pace } from '../pace.js';
import type { EngineConnection } from './engine-connection.js';
import { queryEvents, type Column, type Description } from './query-events.js';
import { QueryMetrics } from './query-metrics.js';
import type { Row } from './row-batches.js';
import type { SelectShape } from './select-shape.js';
import type { GrowingTable, StreamEnd } from './growing-table.js';

/** Milliseconds between two `metrics` events, at normal speed. */
const METRICS_EVERY_MS = 1000;
/** Milliseconds between two results of a query whose whole result is sent each time. */
const ANSWER_EVERY_MS = 2000;

/** A statement that the engine has accepted, with all that is needed to run it. */
export interface QueryPlan {
  /** The text of the client. */
  readonly sql: string;
  /** The text for the engine. */
  readonly engineSql: string;
  readonly header: readonly Column[];
  readonly shape: SelectShape;
  /** The table that it reads, if it reads one. */
  readonly table: GrowingTable | undefined;
  /** `true` if it reads the stream as it grows, `false` if it reads stored rows and ends. */
  readonly streaming: boolean;
  /** The end of the stream when the query was sent. */
  readonly from: StreamEnd;
  readonly connection: EngineConnection;
  readonly signal: AbortSignal;
}

/** One query, from its header to its last row. */
export class Query {
  readonly id = randomUUID();
  readonly #metrics: QueryMetrics;

  constructor(
    private readonly plan: QueryPlan,
    private readonly pace: Pace,
  ) {
    this.#metrics = new QueryMetrics(plan.table?.table.rowBytes ?? 0);
  }

  /** The events for the client: the header, batches of rows with metrics in between, and the outcome. */
  async *events() {
    const metrics = this.#metrics;
    yield queryEvents.query(this.#description());
    for await (const rows of this.#rows()) {
      if (rows.length > 0) {
        metrics.answered(rows.length);
        yield rows;
      }
      const figures = metrics.tellEvery(this.pace.ms(METRICS_EVERY_MS));
      if (figures) yield queryEvents.metrics(figures);
    }
    if (this.plan.signal.aborted) return;
    yield queryEvents.metrics(metrics.tell());
    const ended = {
      status: 'finished' as const,
      duration: metrics.duration,
      end_time: new Date().toISOString(),
    };
    yield queryEvents.query({ ...this.#description(), ...ended });
  }

  #description(): Description {
    const { sql, header } = this.plan;
    return { id: this.id, sql, result: { header } };
  }

  #rows(): AsyncGenerator<Row[], void, undefined> {
    const { streaming, table } = this.plan;
    return streaming && table ? this.#streamedRows(table) : this.#storedRows();
  }

  async *#storedRows(): AsyncGenerator<Row[], void, undefined> {
    const { connection, engineSql, shape, table, from } = this.plan;
    if (shape.stores && table) this.#metrics.scanned(table.stored, from);
    yield* connection.rows(engineSql);
  }

  /** An empty batch means that there were new rows in the stream, but none in the result. */
  async *#streamedRows(table: GrowingTable): AsyncGenerator<Row[], void, undefined> {
    const { connection, engineSql, shape, signal } = this.plan;
    let { limit: left = Infinity } = shape;
    let seen = this.plan.from.id;
    while (left > 0) {
      await table.after(seen, signal);
      if (signal.aborted) return;
      seen = await this.#load(table, seen);
      yield [];
      for await (const rows of connection.rows(engineSql)) {
        yield rows.slice(0, left);
        left -= rows.length;
        if (left <= 0) return;
      }
      if (shape.stateful) await this.pace.sleep(ANSWER_EVERY_MS, signal);
    }
  }

  async #load(table: GrowingTable, seen: number): Promise<number> {
    const { connection, shape } = this.plan;
    const { end } = table;
    if (!shape.stateful) await connection.run(`TRUNCATE temp.${table.table.name}`);
    await connection.run(table.load, [BigInt(seen), BigInt(end.id)]);
    this.#metrics.scanned(end.id - seen, end);
    return end.id;
  }
}
