import { EntryRing } from '../entry-ring.js';
import type { LogPosition } from '../cursor.js';
import type { LogRecord } from '../log-record.js';
import { AnswerTimer } from '../../time/answer-timer.js';
import type { Clock } from '../../time/clock.js';

/** One call of `append()` and its promise. */
export class PendingAppend {
  /** True once the promise is resolved or rejected. */
  settled = false;
  /** When it times out, by the timer of its {@link Deadlines}. */
  deadline = Infinity;
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

  private settle(): void {
    this.settled = true;
    this.onSettled();
  }
}

/**
 * Times out appends with a single timer. All appends have the same timeout, so the oldest one is always the next. Time in which
 * this process was suspended does not count.
 */
export class Deadlines {
  private readonly waiting = new EntryRing<PendingAppend>();
  private readonly timer: AnswerTimer;

  constructor(
    clock: Clock,
    private readonly waitMs: number,
    private readonly expire: (append: PendingAppend) => void,
  ) {
    this.timer = new AnswerTimer(clock, waitMs);
  }

  add(append: PendingAppend): void {
    this.dropSettled();
    append.deadline = this.timer.now() + this.waitMs;
    this.waiting.push(append);
    this.arm();
  }

  clear(): void {
    this.timer.cancel();
    while (this.waiting.shift());
  }

  private dropSettled(): void {
    while (this.waiting.at(0)?.settled) this.waiting.shift();
  }

  private arm(): void {
    const next = this.waiting.at(0);
    if (next && !this.timer.isSet) this.timer.set(next.deadline, () => this.check());
  }

  private check(): void {
    const now = this.timer.now();
    for (let next = this.waiting.at(0); next && (next.settled || next.deadline <= now);) {
      this.waiting.shift();
      if (!next.settled) this.expire(next);
      next = this.waiting.at(0);
    }
    this.arm();
  }
}
