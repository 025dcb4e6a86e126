/** The provider of the clock that an application uses, so that a test can replace it. */
export const SSE_CLOCK = Symbol.for('nestjs-event-stream:clock');

/** The time source of the library. Tests replace it. */
export interface Clock {
  /** Milliseconds since an arbitrary moment. They never decrease. */
  now(): number;
  /** Milliseconds since 1970 by the wall clock. They jump in either direction when that clock is set. */
  wallNow(): number;
  /** Calls `run` once, `ms` milliseconds from now. Does not keep the process alive. */
  schedule(run: () => void, ms: number): unknown;
  /** Cancels a timer that `schedule` has returned. */
  cancel(handle: unknown): void;
  /** Calls `run` after other pending work of the event loop. */
  defer(run: () => void): void;
  /** Called when the application begins to close, which takes real time. A test clock then follows the system clock. */
  follow?(): void;
}

/** Read once, so that the fake timers of a test do not hold back work that waits for the next turn. */
const { setImmediate: inNextTurn } = globalThis;

/** The system clock. */
export const systemClock: Clock = {
  // Whole numbers: V8 stores a small integer in the field of an object, but allocates a HeapNumber for each fraction.
  now: () => Math.trunc(performance.now()),
  wallNow: () => Date.now(),
  schedule: (run, ms) => setTimeout(run, ms).unref(),
  cancel: (handle) => clearTimeout(handle as NodeJS.Timeout),
  defer: (run) => void inNextTurn(run),
};
