import { AsyncResource } from 'node:async_hooks';
import type { SharedTimers, Timed } from './shared-timers.js';

/** Whose time it is. */
export interface TimedStream {
  /** Something of the application's that was asked when it was due has thrown. */
  failed(error: unknown): void;
}

/** What was opened together is spread over this part of its time, for what is due not to be due all at once. */
const JITTER = 0.2;
/** Shared timers are late by a part of the delay: of a long wait this part comes first, then of the rest. */
const FIRST_PART = 0.96;
/** The rest that is waited for in one piece. */
const LAST_WAIT_MS = 1000;
/** The longest wait in one piece: timers keep no more than 2^31 − 1 ms. */
const LONGEST_WAIT_MS = 2 ** 30;

/**
 * What is due once in one open stream, or every so often, until it is stopped. It finds the async context in which the
 * timekeeper was made.
 */
export class Timekeeper {
  private readonly running: Alarm[] = [];
  private readonly scope = new AsyncResource('EventStreamTime');

  constructor(
    private readonly timers: SharedTimers,
    private readonly stream: TimedStream,
  ) {}

  /** Has `over` called once, `afterMs` from now if the stream is still open then. What it throws ends the stream. */
  after(afterMs: number, over: () => void): void {
    if (!(afterMs >= 0)) throw new RangeError(`A stream cannot end after ${afterMs} ms.`);
    const alarm = new Alarm(this.timers, afterMs, () => this.attempt(over));
    this.running.push(alarm);
    alarm.set();
  }

  /** Has `again` called every `everyMs`, give or take 10 %, as long as the stream is open. */
  every(everyMs: number, again: () => void): void {
    const alarm = new Alarm(this.timers, spread(everyMs), () => {
      alarm.setAgain(spread(everyMs));
      this.attempt(again);
    });
    this.running.push(alarm);
    alarm.set();
  }

  stop(): void {
    for (const timed of this.running.splice(0)) timed.stop();
  }

  private attempt(due: () => void): void {
    try {
      this.scope.runInAsyncScope(due);
    } catch (error) {
      this.stream.failed(error);
    }
  }
}

/** One moment to come, however far off, met to within some 40 ms. */
class Alarm implements Timed {
  slot: Set<Timed> | undefined;
  private at: number;

  constructor(
    private readonly timers: SharedTimers,
    afterMs: number,
    private readonly ring: () => void,
  ) {
    this.at = timers.clock.now() + afterMs;
  }

  set(): void {
    const leftMs = Math.max(0, this.at - this.timers.clock.now());
    const firstMs = leftMs > LAST_WAIT_MS ? leftMs * FIRST_PART : leftMs;
    this.timers.schedule(this, Math.min(firstMs, LONGEST_WAIT_MS));
  }

  setAgain(afterMs: number): void {
    this.at = this.timers.clock.now() + afterMs;
    this.set();
  }

  due(): void {
    if (this.timers.clock.now() < this.at) this.set();
    else this.ring();
  }

  stop(): void {
    this.timers.cancel(this);
  }
}

/** About `ms`, for what was begun together not to end all at once. */
export function spread(ms: number): number {
  return ms * (1 + JITTER * (Math.random() - 0.5));
}
