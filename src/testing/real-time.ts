// The functions as they are when the kit is loaded. Fake timers of a test runner replace the global ones later.
const { setTimeout, clearTimeout, setImmediate, performance } = globalThis;
const startMs = Date.now() - performance.now();
const now = performance.now.bind(performance);

/** Time that fake timers do not stop. */
export const realTime = {
  /** Milliseconds that never decrease. */
  now: (): number => Math.trunc(now()),
  /** Milliseconds since 1970. */
  wallNow: (): number => Math.trunc(startMs + now()),
  setTimeout,
  clearTimeout,
  setImmediate,
  /** Resolves after `turns` turns of the event loop, each of which performs the I/O that is ready. */
  async turns(turns: number): Promise<void> {
    for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => void setImmediate(resolve));
  },
};
