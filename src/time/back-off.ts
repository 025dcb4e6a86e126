const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

/** Milliseconds to wait before an attempt, counted from 0. Random, so that not all nodes reconnect at the same moment. */
export function backOffMs(attempt: number): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
  return Math.ceil(pause * (0.5 + Math.random() / 2));
}

/**
 * Milliseconds to wait before events are sent again. At most half of the time for which `publish()` waits: an event that is published
 * during the pause must be sent once before it is rejected.
 */
export function retryMs(attempt: number, waitMs: number | false): number {
  const longest = waitMs === false ? Infinity : Math.max(Math.floor(waitMs / 2), FIRST_PAUSE_MS / 2);
  return Math.min(backOffMs(attempt), longest);
}
