import type { Clock } from './clock.js';

/** A timer that is later than this shows that the process was suspended or blocked. */
const LATE_MS = 50;
/** A wait has this many steps. */
const STEPS = 4;

/** True if a timer that was due at this time shows that the process was suspended or blocked. */
export function isLate(clock: Clock, dueAt: number): boolean {
  return clock.now() - dueAt >= LATE_MS;
}

/**
 * A timer for answers. It does not count the time in which this process was suspended or blocked, for questions were not sent and
 * answers not read in that time. While the timer is set, time is made of steps, and the lateness at the end of each step is such
 * time. When a wait is over, the sockets are read once more before the call.
 */
export class AnswerTimer {
  private readonly stepMs: number;
  private handle: unknown;
  private run: (() => void) | undefined;
  private at = 0;
  /** The end of the current step. */
  private stepAt = Infinity;
  private suspendedMs = 0;

  constructor(
    private readonly clock: Clock,
    /** The usual length of a wait, in milliseconds. */
    ms: number,
  ) {
    this.stepMs = Math.ceil(ms / STEPS);
  }

  get isSet(): boolean {
    return this.run !== undefined;
  }

  /** Milliseconds since an arbitrary moment, without those in which this process was suspended while the timer was set. */
  now(): number {
    const now = this.clock.now();
    if (now >= this.stepAt) {
      this.suspendedMs += now - this.stepAt;
      this.stepAt = now + this.stepMs;
    }
    return now - this.suspendedMs;
  }

  /** Calls `run` at this time by {@link now}. Replaces the call that was set before. */
  set(at: number, run: () => void): void {
    this.clock.cancel(this.handle);
    this.at = at;
    this.run = run;
    if (this.stepAt === Infinity) this.stepAt = this.clock.now() + this.stepMs;
    this.wait();
  }

  cancel(): void {
    this.clock.cancel(this.handle);
    this.run = undefined;
    this.stepAt = Infinity;
  }

  private wait(): void {
    const { clock, run } = this;
    const leftMs = Math.min(this.at - this.now(), this.stepAt - clock.now());
    this.handle = clock.schedule(
      () => {
        if (this.now() < this.at) return this.wait();
        clock.defer(() => {
          if (!run || run !== this.run) return;
          this.run = undefined;
          run();
          if (!this.isSet) this.stepAt = Infinity;
        });
      },
      Math.max(1, leftMs),
    );
  }
}

/** Calls `expire` if no answer has come within `ms` by an {@link AnswerTimer}. Returns a function that cancels this. */
export function expectAnswer(clock: Clock, ms: number, expire: () => void): () => void {
  const timer = new AnswerTimer(clock, ms);
  timer.set(timer.now() + ms, expire);
  return () => timer.cancel();
}
