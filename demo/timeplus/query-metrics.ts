import { READING_BYTES, type StreamEnd } from './sensor-readings.service.js';

/** What is told of a query while it runs; times in milliseconds. */
export interface Metrics {
  /** Rows answered so far. */
  readonly count: number;
  /** Rows answered per second. */
  readonly eps: number;
  /** Since the query was started. */
  readonly processing_time: number;
  /** When the newest row that it has read was made, since 1970; `null` if it has read none. */
  readonly last_event_time: number | null;
  /** Until its first row. */
  readonly response_time: number;
  /** Stored rows that it has read; in bytes, an estimate. */
  readonly scanned_rows: number;
  readonly scanned_bytes: number;
}

/** Keeps count of what a query reads and answers. */
export class QueryMetrics {
  readonly #startedAt = Date.now();
  #count = 0;
  #scanned = 0;
  #lastEventTime: number | null = null;
  #responseTime: number | undefined;
  #toldAt = this.#startedAt;

  /** Rows were read, up to that one. */
  scanned(rows: number, { time }: StreamEnd): void {
    this.#scanned += rows;
    this.#lastEventTime = Math.round(time);
  }

  /** Rows were answered. */
  answered(rows: number): void {
    if (rows > 0) this.#responseTime ??= this.duration;
    this.#count += rows;
  }

  /** Milliseconds since the start. */
  get duration(): number {
    return Date.now() - this.#startedAt;
  }

  /** The figures now; they were told. */
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
      scanned_bytes: this.#scanned * READING_BYTES,
    };
  }

  /** The figures if they were not told for so long. */
  tellEvery(intervalMs: number): Metrics | undefined {
    return Date.now() - this.#toldAt >= intervalMs ? this.tell() : undefined;
  }
}
