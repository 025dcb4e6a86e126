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
/** A wall clock that was set is noticed within this time. */
const WALL_CLOCK_CHECK_MS = 30_000;
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
    const { clock } = this.timers;
    const at = clock.now() + afterMs;
    this.start(
      () => at - clock.now(),
      () => this.attempt(over),
    );
  }

  /**
   * Has `over` called once the wall clock shows `atMs`, or within 31 s where that comes about because the clock is set.
   * A timer alone cannot tell: it goes on as before.
   */
  at(atMs: number, over: () => void): void {
    const { clock } = this.timers;
    this.start(
      () => atMs - clock.wallNow(),
      () => this.attempt(over),
      WALL_CLOCK_CHECK_MS,
    );
  }

  /** Has `again` called every `everyMs`, give or take 10 %, as long as the stream is open. */
  every(everyMs: number, again: () => void): void {
    const { clock } = this.timers;
    let at = clock.now() + spread(everyMs);
    const alarm = this.start(
      () => at - clock.now(),
      () => {
        at = clock.now() + spread(everyMs);
        alarm.set();
        this.attempt(again);
      },
    );
  }

  stop(): void {
    for (const timed of this.running.splice(0)) timed.stop();
  }

  private start(leftMs: () => number, ring: () => void, longestWaitMs = LONGEST_WAIT_MS): Alarm {
    const alarm = new Alarm(this.timers, leftMs, ring, longestWaitMs);
    this.running.push(alarm);
    alarm.set();
    return alarm;
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

  constructor(
    private readonly timers: SharedTimers,
    private readonly leftMs: () => number,
    private readonly ring: () => void,
    private readonly longestWaitMs: number,
  ) {}

  set(): void {
    const leftMs = Math.max(0, this.leftMs());
    const firstMs = leftMs > LAST_WAIT_MS ? leftMs * FIRST_PART : leftMs;
    this.timers.schedule(this, Math.min(firstMs, this.longestWaitMs));
  }

  due(): void {
    if (this.leftMs() > 0) this.set();
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
