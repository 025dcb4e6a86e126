import type { ClientClock } from './client.options.js';

/** The maximum of a timer. A timer with a longer time fires immediately. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Additional time for a late promise. If the process was blocked, a timer that is due runs before the sockets are read. Bytes that
 * arrived in the meantime still count.
 */
const GRACE_MS = 50;

/** Waits for one thing at a time, until it is stopped. Keeps no timer and no listener afterwards. */
export interface Wait {
  /** Throws `reason` from the current wait, and from all that follow. Only the first call counts. */
  stop(reason: unknown): void;
  /** Throws the reason of `stop()`, if it was called. */
  check(): void;
  /** Settles as `promise` does. Throws `late()` if that takes longer than `limitMs` and 50 ms of grace. */
  for<T>(promise: PromiseLike<T>, limitMs?: number | false, late?: () => unknown): Promise<T>;
  /** Resolves `ms` milliseconds from now. */
  sleep(ms: number): Promise<void>;
}

export function makeWait(clock: ClientClock): Wait {
  let release: ((reason: unknown) => void) | undefined;
  let stopped: { reason: unknown } | undefined;

  // A local function, and not a method: bundlers shorten its name.
  const waitFor: Wait['for'] = (promise, limitMs = false, late) =>
    new Promise((resolve, reject) => {
      let timer: unknown;
      // Not Promise.race() with a promise for "stopped": that would keep a reaction for each call while the stream lives.
      const settle = (deliver: () => void): void => {
        if (release !== fail) return;
        release = undefined;
        if (timer !== undefined) clock.cancel(timer);
        deliver();
      };
      const fail = (reason: unknown): void => settle(() => reject(reason));
      release = fail;
      promise.then((value) => settle(() => resolve(value)), fail);
      if (stopped) fail(stopped.reason);
      else if (limitMs) {
        timer = start(() => {
          timer = start(() => fail(late?.()), GRACE_MS);
        }, limitMs);
      }
    });

  function start(run: () => void, ms: number): unknown {
    return clock.schedule(run, Math.min(ms, MAX_TIMER_MS));
  }

  return {
    for: waitFor,
    stop(reason) {
      stopped ??= { reason };
      release?.(stopped.reason);
    },
    check() {
      if (stopped) throw stopped.reason;
    },
    async sleep(ms) {
      let timer: unknown;
      try {
        await waitFor(
          new Promise<void>((resolve) => {
            timer = start(resolve, ms);
          }),
        );
      } finally {
        clock.cancel(timer);
      }
    },
  };
}
