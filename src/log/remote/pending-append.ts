import { EntryRing } from '../entry-ring.js';
import type { LogPosition } from '../cursor.js';
import type { LogRecord } from '../log-record.js';
import { isLate } from '../../time/answer-timeout.js';
import type { Clock } from '../../time/clock.js';

/** One call of `append()` and its promise. */
export class PendingAppend {
  /** True once the promise is resolved or rejected. */
  settled = false;
  /** When it times out, by the clock of its {@link Deadlines}. */
  deadline = Infinity;
  private postponed = false;
  /** The positions of its records, once the log has accepted it. */
  private accepted: readonly LogPosition[] | undefined;
  readonly positions: Promise<readonly LogPosition[]>;
  private resolvePromise!: (positions: readonly LogPosition[]) => void;
  private rejectPromise!: (error: unknown) => void;

  constructor(
    readonly channel: string,
    readonly records: readonly LogRecord[],
    private readonly onSettled: () => void,
  ) {
    this.positions = new Promise((resolve, reject) => {
      this.resolvePromise = resolve;
      this.rejectPromise = reject;
    });
  }

  get isAccepted(): boolean {
    return this.accepted !== undefined;
  }

  /** The log has accepted it. From now on it is not rejected, whatever fails until {@link resolve} is called. */
  accept(positions: readonly LogPosition[]): void {
    this.accepted = positions;
  }

  /** Resolves with the accepted positions, unless it is settled. */
  resolve(): void {
    if (this.settled) return;
    this.settle();
    this.resolvePromise(this.accepted ?? []);
  }

  /** Rejects, unless it is settled. Resolves if the log has accepted it. */
  reject(error: unknown): void {
    if (this.settled) return;
    if (this.accepted) return this.resolve();
    this.settle();
    this.rejectPromise(error);
  }

  /** Sets a later deadline, once. */
  postpone(deadline: number): void {
    if (!this.postponed) this.deadline = deadline;
    this.postponed = true;
  }

  private settle(): void {
    this.settled = true;
    this.onSettled();
  }
}

/**
 * Times out appends with a single timer. All appends have the same timeout, so the oldest one is always the next. Answers that
 * have arrived are read first, and after the process was suspended, appends wait once more, as with `expectAnswer()`.
 */
export class Deadlines {
  private readonly waiting = new EntryRing<PendingAppend>();
  private timer: unknown;

  constructor(
    private readonly clock: Clock,
    private readonly waitMs: number,
    private readonly expire: (append: PendingAppend) => void,
  ) {}

  add(append: PendingAppend): void {
    this.dropSettled();
    append.deadline = this.clock.now() + this.waitMs;
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
    if (!next || this.timer !== undefined) return;
    const ms = Math.max(next.deadline - this.clock.now(), 1);
    const dueAt = this.clock.now() + ms;
    this.timer = this.clock.schedule(() => {
      if (isLate(this.clock, dueAt)) this.postpone(this.clock.now() - dueAt);
      this.clock.defer(() => {
        this.timer = undefined;
        this.check();
      });
    }, ms);
  }

  /** Appends that have waited for at least `waitMs`, or would have soon, while the process was suspended for `lateMs` or longer. */
  private postpone(lateMs: number): void {
    const now = this.clock.now();
    for (let i = 0; i < this.waiting.length; i++) {
      const append = this.waiting.at(i);
      if (!append || append.deadline > now + lateMs) return;
      append.postpone(now + this.waitMs);
    }
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
