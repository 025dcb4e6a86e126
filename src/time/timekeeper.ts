import { AsyncResource } from 'node:async_hooks';
import type { SharedTimers, Timed } from './shared-timers.js';

/** The share of a period over which `spread()` distributes, so that streams that opened together are not due together. */
const JITTER = 0.2;
/**
 * Shared timers are late by a share of the delay. So a long wait is split: this share of it first, then the same share of the
 * rest, and so on.
 */
const FIRST_SHARE = 0.96;
/** A wait up to this length is not split. */
const LAST_WAIT_MS = 1000;
/** The interval at which the wall clock is read, because it can be set. */
const WALL_CLOCK_CHECK_MS = 30_000;
/** The maximum length of one timer. Timers of Node cannot wait longer than 2^31 − 1 ms. */
const MAX_WAIT_MS = 2 ** 30;

/** The timers of one open stream. Callbacks run in the async context in which the timekeeper was made. */
export class Timekeeper {
  private readonly running: Alarm[] = [];
  private readonly scope = new AsyncResource('EventStreamTime');

  /** @param stream its `failed()` receives errors of the callbacks */
  constructor(
    private readonly timers: SharedTimers,
    private readonly stream: { failed(error: unknown): void },
  ) {}

  /** Calls `callback` once, `afterMs` from now. */
  after(afterMs: number, callback: () => void): void {
    // A function of the application may have returned it. A string would be appended to the time.
    if (typeof afterMs !== 'number') {
      throw new RangeError(
        `The time of a stream must be a number of milliseconds, not a value of type ${typeof afterMs}.`,
      );
    }
    if (!(afterMs >= 0)) throw new RangeError(`A stream cannot end after ${afterMs} ms.`);
    const { clock } = this.timers;
    const at = clock.now() + afterMs;
    this.start(
      () => at - clock.now(),
      () => this.call(callback),
    );
  }

  /**
   * Calls `callback` once the wall clock shows `atMs`. If the wall clock is set past that moment, the call comes within 31 s,
   * because timers do not follow the wall clock.
   */
  at(atMs: number, callback: () => void): void {
    const { clock } = this.timers;
    this.start(
      () => atMs - clock.wallNow(),
      () => this.call(callback),
      WALL_CLOCK_CHECK_MS,
    );
  }

  /** Calls `callback` every `everyMs`, plus or minus 10 %. */
  every(everyMs: number, callback: () => void): void {
    const { clock } = this.timers;
    let at = clock.now() + spread(everyMs);
    const alarm = this.start(
      () => at - clock.now(),
      () => {
        at = clock.now() + spread(everyMs);
        alarm.set();
        this.call(callback);
      },
    );
  }

  stop(): void {
    for (const alarm of this.running.splice(0)) alarm.stop();
  }

  private start(leftMs: () => number, ring: () => void, maxWaitMs = MAX_WAIT_MS): Alarm {
    const alarm = new Alarm(this.timers, leftMs, ring, maxWaitMs);
    this.running.push(alarm);
    alarm.set();
    return alarm;
  }

  private call(callback: () => void): void {
    try {
      this.scope.runInAsyncScope(callback);
    } catch (error) {
      this.stream.failed(error);
    }
  }
}

/** Rings at one moment, however far in the future, at most about 40 ms late. */
class Alarm implements Timed {
  bucket: Set<Timed> | undefined;

  constructor(
    private readonly timers: SharedTimers,
    private readonly leftMs: () => number,
    private readonly ring: () => void,
    private readonly maxWaitMs: number,
  ) {}

  set(): void {
    const leftMs = Math.max(0, this.leftMs());
    const firstMs = leftMs > LAST_WAIT_MS ? leftMs * FIRST_SHARE : leftMs;
    this.timers.schedule(this, Math.min(firstMs, this.maxWaitMs));
  }

  due(): void {
    if (this.leftMs() > 0) this.set();
    else this.ring();
  }

  stop(): void {
    this.timers.cancel(this);
  }
}

/** A random time within 10 % of `ms`, so that streams that opened together do not end together. */
export function spread(ms: number): number {
  return ms * (1 + JITTER * (Math.random() - 0.5));
}
