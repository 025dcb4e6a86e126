import type { SseErrorCode } from '../errors/sse.errors.js';
import type { Clock } from '../time/clock.js';
import type { CutOffLimit } from './connection.js';
import type { SseConnection } from './sse-connection.js';

const MINUTE_MS = 60_000;
const MINUTES = 60;
/** The number of clients that were cut off and are kept by name. */
const NAMED = 50;

/** A connection that was cut off because its client was too slow. */
export interface CutOffRecord {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly route: string;
  readonly id: string;
  readonly limit: CutOffLimit;
  readonly queuedBytes: number;
}

/** Counts the ends of streams by their code, for each minute of the last hour. It has no timer. */
export class CloseCounts {
  /** By minute of the clock, oldest first. */
  private readonly minutes = new Map<number, Map<SseErrorCode, number>>();
  private readonly named: CutOffRecord[] = [];

  constructor(private readonly clock: Clock) {}

  /** Counts a stream that has ended. */
  add(code: SseErrorCode): void {
    const minute = this.minute();
    let counts = this.minutes.get(minute);
    if (!counts) {
      this.minutes.set(minute, (counts = new Map()));
      for (const old of this.minutes.keys()) if (old <= minute - MINUTES) this.minutes.delete(old);
    }
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }

  /** Keeps a connection that is about to be cut off, while its queue can still be measured. */
  cutOff({ route, id, queuedBytes }: SseConnection, limit: CutOffLimit): void {
    this.named.push({ at: this.clock.wallNow(), route, id, limit, queuedBytes });
    if (this.named.length > NAMED) this.named.shift();
  }

  /** The ends of the last hour by code: a count for each minute, oldest first. */
  lastHour(): Map<SseErrorCode, number[]> {
    const now = this.minute();
    const counts = new Map<SseErrorCode, number[]>();
    for (const [minute, codes] of this.minutes) {
      const index = MINUTES - 1 - (now - minute);
      if (index < 0) continue;
      for (const [code, count] of codes) {
        const all = counts.get(code) ?? Array.from({ length: MINUTES }, () => 0);
        all[index] = count;
        counts.set(code, all);
      }
    }
    return counts;
  }

  /** The newest connections that were cut off in the last hour, at most 50, oldest first. */
  cutOffs(): CutOffRecord[] {
    const since = this.clock.wallNow() - MINUTES * MINUTE_MS;
    return this.named.filter(({ at }) => at > since);
  }

  private minute(): number {
    return Math.floor(this.clock.now() / MINUTE_MS);
  }
}
