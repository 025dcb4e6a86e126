import type { StreamEnd } from './growing-table.js';

/** The figures of a running query. Times are in milliseconds. */
export interface Metrics {
  /** Number of result rows so far. */
  readonly count: number;
  /** Result rows per second. */
  readonly eps: number;
  /** Time since the start of the query. */
  readonly processing_time: number;
  /** Time of the newest row that the query has read, since 1970. `null` before the first row. */
  readonly last_event_time: number | null;
  /** Time until the first result row. */
  readonly response_time: number;
  /** Stored rows that the query has read. The bytes are an estimate. */
  readonly scanned_rows: number;
  readonly scanned_bytes: number;
}

/** Counts the rows that a query reads and returns. */
export class QueryMetrics {
  readonly #startedAt = Date.now();
  #count = 0;
  #scanned = 0;
  #lastEventTime: number | null = null;
  #responseTime: number | undefined;
  #toldAt = this.#startedAt;

  /** @param rowBytes Estimated size of a row that is read, in bytes. */
  constructor(private readonly rowBytes: number) {}

  /** Counts rows that were read, up to this position. */
  scanned(rows: number, { time }: StreamEnd): void {
    this.#scanned += rows;
    this.#lastEventTime = Math.round(time);
  }

  /** Counts result rows. */
  answered(rows: number): void {
    if (rows > 0) this.#responseTime ??= this.duration;
    this.#count += rows;
  }

  /** Milliseconds since the start. */
  get duration(): number {
    return Date.now() - this.#startedAt;
  }

  /** The current figures, for an event. */
  tell(): Metrics {
    const { duration } = this;
    this.#toldAt = Date.now();
    return {
      count: this.#count,
      eps: Math.round((this.#count * 1000) / Math.max(1, duration)),
      processing_time: duration,
      last_event_time: this.#lastEventTime,
      response_time: this.#responseTime ?? duration,
      scanned_rows: this.#scanned,
      scanned_bytes: this.#scanned * this.rowBytes,
    };
  }

  /** The current figures, if the last ones are older than this. */
  tellEvery(intervalMs: number): Metrics | undefined {
    return Date.now() - this.#toldAt >= intervalMs ? this.tell() : undefined;
  }
}
