/** The time as the library sees it; tests put their own in its place. */
export interface Clock {
  /** Milliseconds since some fixed moment, never going backwards. */
  now(): number;
  /** Milliseconds since 1970, as the machine shows them. They can jump in both directions, when that clock is set. */
  wallNow(): number;
  /** Calls `run` once, `ms` milliseconds from now, without keeping the process alive for it. */
  schedule(run: () => void, ms: number): unknown;
  /** Forgets what `schedule` returned. */
  cancel(handle: unknown): void;
  /** Calls `run` after other pending work had its turn. */
  defer(run: () => void): void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  // Whole numbers: a fraction kept in an object would be an object of its own.
  now: () => Math.trunc(performance.now()),
  wallNow: () => Date.now(),
  schedule: (run, ms) => setTimeout(run, ms).unref(),
  cancel: (handle) => clearTimeout(handle as NodeJS.Timeout),
  defer: (run) => void setImmediate(run),
};
