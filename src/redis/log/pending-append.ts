import { EntryRing } from '../../log/entry-ring.js';
import type { LogPosition } from '../../log/cursor.js';
import type { LogRecord } from '../../log/log-record.js';
import type { Clock } from '../../time/clock.js';

/** One call of `append` that may not have been answered yet. */
export class PendingAppend {
  /** It was answered, one way or another; nobody waits any more. */
  settled = false;
  readonly positions: Promise<readonly LogPosition[]>;
  private accept!: (positions: readonly LogPosition[]) => void;
  private refuse!: (error: unknown) => void;

  constructor(
    readonly channel: string,
    readonly records: readonly LogRecord[],
    /** When it is given up, by the clock of the log. */
    readonly deadline: number,
    private readonly onSettled: () => void,
  ) {
    this.positions = new Promise((accept, refuse) => {
      this.accept = accept;
      this.refuse = refuse;
    });
  }

  resolve(positions: readonly LogPosition[]): void {
    this.settle();
    this.accept(positions);
  }

  reject(error: unknown): void {
    this.settle();
    this.refuse(error);
  }

  private settle(): void {
    if (!this.settled) this.onSettled();
    this.settled = true;
  }
}

/** Gives up appends whose time is over, under one timer: all have the same time, so the oldest is the next. */
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
    if (!next || this.timer !== undefined) return;
    this.timer = this.clock.schedule(
      () => {
        this.timer = undefined;
        this.check();
      },
      Math.max(next.deadline - this.clock.now(), 1),
    );
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
