import type { Clock } from './clock.js';

/** A timer that is later than this shows that the process was suspended or blocked. */
const LATE_MS = 50;

/** True if a timer that was due at this time shows that the process was suspended or blocked. */
export function isLate(clock: Clock, dueAt: number): boolean {
  return clock.now() - dueAt >= LATE_MS;
}

/**
 * Calls `expire` if no answer has come within `ms`. Returns a function that cancels this.
 *
 * A process that was suspended finds its timers due before it has read the answers that have arrived meanwhile. So what the
 * sockets have is always read first. If the timer is late, the time starts once more, because the question may not even be sent.
 */
export function expectAnswer(clock: Clock, ms: number, expire: () => void): () => void {
  const dueAt = clock.now() + ms;
  let canceled = false;
  const read = (): void => {
    clock.defer(() => {
      if (!canceled) expire();
    });
  };
  let timer = clock.schedule(() => {
    if (isLate(clock, dueAt)) timer = clock.schedule(read, ms);
    else read();
  }, ms);
  return () => {
    canceled = true;
    clock.cancel(timer);
  };
}
