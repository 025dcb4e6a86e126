import { randomUUID } from 'node:crypto';
import { event } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import type { Pace } from '../pace.js';
import type { EngineConnection } from './engine-connection.js';
import { HISTORY } from './historical-sql.js';
import { QueryMetrics } from './query-metrics.js';
import type { Row } from './row-batches.js';
import type { SelectShape } from './select-shape.js';
import { READINGS, type SensorReadings, type StreamEnd } from './sensor-readings.service.js';

/** Between two metrics events, at the demo's normal speed. */
const METRICS_EVERY_MS = 1000;
/** Between two answers of a query that is answered anew each time. */
const ANSWER_EVERY_MS = 2000;

const LOAD = `INSERT INTO temp.${READINGS} FROM ${HISTORY}.${READINGS} WHERE id > $1 AND id <= $2`;

/** A column of the answer. */
export interface Column {
  readonly name: string;
  /** As the engine names it. */
  readonly type: string;
}

/** A statement that the engine has understood, and where it is to be run. */
export interface QueryPlan {
  /** As the client wrote it. */
  readonly sql: string;
  /** As the engine runs it. */
  readonly engineSql: string;
  readonly header: readonly Column[];
  readonly shape: SelectShape;
  /** Whether it reads the stream, as it grows, or what is stored, and then ends. */
  readonly streaming: boolean;
  /** What was in the stream before it. */
  readonly from: StreamEnd;
  readonly connection: EngineConnection;
  readonly signal: AbortSignal;
}

/** One query, from its header to its last row. */
export class Query {
  readonly id = randomUUID();
  readonly #metrics = new QueryMetrics();

  constructor(
    private readonly plan: QueryPlan,
    private readonly readings: SensorReadings,
    private readonly pace: Pace,
  ) {}

  /** What its client is told: the header, batches of rows with figures in between, and how it ended. */
  async *events(): AsyncGenerator<SseEvent | Row[], void, undefined> {
    const metrics = this.#metrics;
    yield event({ type: 'query', data: this.#description() });
    for await (const rows of this.#rows()) {
      if (rows.length > 0) {
        metrics.answered(rows.length);
        yield rows;
      }
      const figures = metrics.tellEvery(this.pace.ms(METRICS_EVERY_MS));
      if (figures) yield event({ type: 'metrics', data: figures });
    }
    if (this.plan.signal.aborted) return;
    yield event({ type: 'metrics', data: metrics.tell() });
    const ended = { status: 'finished', duration: metrics.duration, end_time: new Date().toISOString() };
    yield event({ type: 'query', data: { ...this.#description(), ...ended } });
  }

  #description(): object {
    const { sql, header } = this.plan;
    return { id: this.id, sql, result: { header } };
  }

  #rows(): AsyncGenerator<Row[], void, undefined> {
    return this.plan.streaming ? this.#streamedRows() : this.#storedRows();
  }

  async *#storedRows(): AsyncGenerator<Row[], void, undefined> {
    const { connection, engineSql, shape, from } = this.plan;
    if (shape.stores) this.#metrics.scanned(this.readings.stored, from);
    yield* connection.rows(engineSql);
  }

  /** An empty batch says that there were readings, but no rows. */
  async *#streamedRows(): AsyncGenerator<Row[], void, undefined> {
    const { connection, engineSql, shape, signal } = this.plan;
    let { limit: left = Infinity } = shape;
    let seen = this.plan.from.id;
    while (left > 0) {
      await this.readings.after(seen, signal);
      if (signal.aborted) return;
      seen = await this.#load(seen);
      yield [];
      for await (const rows of connection.rows(engineSql)) {
        yield rows.slice(0, left);
        left -= rows.length;
        if (left <= 0) return;
      }
      if (shape.stateful) await this.pace.sleep(ANSWER_EVERY_MS, signal);
    }
  }

  async #load(seen: number): Promise<number> {
    const { connection, shape } = this.plan;
    const { end } = this.readings;
    if (!shape.stateful) await connection.run(`TRUNCATE temp.${READINGS}`);
    await connection.run(LOAD, [BigInt(seen), BigInt(end.id)]);
    this.#metrics.scanned(end.id - seen, end);
    return end.id;
  }
}
