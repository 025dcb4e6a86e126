/** The result of {@link StopRace.run} once the signal has aborted. */
export const STOPPED = Symbol('stopped');

/**
 * Waits for promises, one at a time, and no longer than until a signal aborts. It has one listener for all of them. A
 * `Promise.race()` with one promise for the signal would keep a reaction in memory for every token.
 */
export class StopRace {
  private stop: (() => void) | undefined;

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  /** Resolves with `value`, or with {@link STOPPED} if the signal aborts first. `late` gets the value that nobody waits for. */
  run<T>(value: T | PromiseLike<T>, late?: (value: T) => void): Promise<T | typeof STOPPED> {
    return new Promise((resolve, reject) => {
      let stopped = false;
      this.stop = () => {
        stopped = true;
        resolve(STOPPED);
      };
      if (this.signal.aborted) this.stop();
      const settled = Promise.resolve(value);
      if (!late) return void settled.then(resolve, reject);
      settled.then((result) => (stopped ? late(result) : resolve(result)), reject).catch(() => undefined);
    });
  }

  /** Removes the listener. */
  close(): void {
    this.signal.removeEventListener('abort', this.onAbort);
  }

  private readonly onAbort = (): void => this.stop?.();
}
