import { EntryRing } from '../entry-ring.js';
import type { LogPosition } from '../cursor.js';
import type { LogRecord } from '../log-record.js';
import type { Clock } from '../../time/clock.js';

/** One call of `append()` and its promise. */
export class PendingAppend {
  /** True once the promise is resolved or rejected. */
  settled = false;
  readonly positions: Promise<readonly LogPosition[]>;
  private resolvePromise!: (positions: readonly LogPosition[]) => void;
  private rejectPromise!: (error: unknown) => void;

  constructor(
    readonly channel: string,
    readonly records: readonly LogRecord[],
    /** When it times out, by the clock of the log. */
    readonly deadline: number,
    private readonly onSettled: () => void,
  ) {
    this.positions = new Promise((resolve, reject) => {
      this.resolvePromise = resolve;
      this.rejectPromise = reject;
    });
  }

  resolve(positions: readonly LogPosition[]): void {
    this.settle();
    this.resolvePromise(positions);
  }

  reject(error: unknown): void {
    this.settle();
    this.rejectPromise(error);
  }

  private settle(): void {
    if (!this.settled) this.onSettled();
    this.settled = true;
  }
}

/** A timer that is later than this shows that the process was suspended. Then answers get as much time to arrive. */
const LATE_MS = 50;

/**
 * Times out appends with a single timer. All appends have the same timeout, so the oldest one is always the next.
 *
 * After a process was suspended or blocked, its timers fire before it reads the answers that have arrived meanwhile.
 */
export class Deadlines {
  private readonly waiting = new EntryRing<PendingAppend>();
  private timer: unknown;

  constructor(
    private readonly clock: Clock,
    private readonly expire: (append: PendingAppend) => void,
  ) {}

  add(append: PendingAppend): void {
    this.dropSettled();
    this.waiting.push(append);
    this.arm();
  }

  clear(): void {
    this.clock.cancel(this.timer);
    while (this.waiting.shift());
  }

  private dropSettled(): void {
    while (this.waiting.at(0)?.settled) this.waiting.shift();
  }

  private arm(): void {
    const next = this.waiting.at(0);
    if (next && this.timer === undefined) this.wait(Math.max(next.deadline - this.clock.now(), 1));
  }

  private wait(ms: number): void {
    const dueAt = this.clock.now() + ms;
    this.timer = this.clock.schedule(() => {
      this.timer = undefined;
      if (this.clock.now() - dueAt < LATE_MS) this.check();
      else this.wait(LATE_MS);
    }, ms);
  }

  private check(): void {
    const now = this.clock.now();
    for (let next = this.waiting.at(0); next && (next.settled || next.deadline <= now);) {
      this.waiting.shift();
      if (!next.settled) this.expire(next);
      next = this.waiting.at(0);
    }
    this.arm();
  }
}
