import type { ClientClock } from './client.options.js';

/** The longest time a timer can be set to; beyond it, timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Time that a late promise still has, so that what arrived while the process was blocked is read first: a timer that is
 * due runs before the sockets are looked at.
 */
const GRACE_MS = 50;

/** Waits for one thing at a time, and lets go of it when it is stopped. Keeps no timer and no listener afterwards. */
export class Wait {
  private letGo: ((reason: unknown) => void) | undefined;
  private stopped: { reason: unknown } | undefined;

  constructor(private readonly clock: ClientClock) {}

  /** Throws `reason` out of what is being waited for, and out of all that follows. Only the first call counts. */
  stop(reason: unknown): void {
    this.stopped ??= { reason };
    this.letGo?.(this.stopped.reason);
  }

  /** Throws the reason of `stop`, if it was called. */
  check(): void {
    if (this.stopped) throw this.stopped.reason;
  }

  /** Settles as `promise` does. Throws `late()` if that takes longer than `limitMs` and 50 ms of grace. */
  for<T>(promise: PromiseLike<T>, limitMs: number | false = false, late?: () => unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let timer: unknown;
      // Not Promise.race with a promise for "stopped": that would keep a reaction per call for the stream's life.
      const settle = (): boolean => {
        if (this.letGo !== letGo) return false;
        this.letGo = undefined;
        if (timer !== undefined) this.clock.cancel(timer);
        return true;
      };
      const letGo = (reason: unknown): void => {
        if (settle()) reject(reason);
      };
      this.letGo = letGo;
      promise.then(
        (value) => {
          if (settle()) resolve(value);
        },
        (error: unknown) => letGo(error),
      );
      if (this.stopped) letGo(this.stopped.reason);
      else if (limitMs !== false) {
        const tooLate = (): void => letGo(late?.());
        const due = (): void => {
          timer = this.clock.schedule(tooLate, GRACE_MS);
        };
        timer = this.clock.schedule(due, Math.min(limitMs, MAX_TIMER_MS));
      }
    });
  }

  /** Resolves `ms` milliseconds from now. */
  async sleep(ms: number): Promise<void> {
    let timer: unknown;
    const over = new Promise<void>((resolve) => {
      timer = this.clock.schedule(resolve, Math.min(ms, MAX_TIMER_MS));
    });
    try {
      await this.for(over);
    } finally {
      this.clock.cancel(timer);
    }
  }
}
