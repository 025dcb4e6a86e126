import { refused } from '../checking/option-check.js';
import type { ResolvedOptions } from './sse.options.js';

/**
 * Refuses options that contradict each other: each may be right, and yet one of the two would never come into play.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`, with both values.
 */
export function checkTogether(where: string, options: ResolvedOptions): void {
  const { heartbeat, stallMs, timeout, maxDurationMs, revalidateMs, limits } = options;
  if (heartbeat !== false && stallMs !== false && heartbeat.intervalMs > stallMs) {
    const remedy = `It is shorter than the heartbeat, ${heartbeat.intervalMs}: make it longer, or the heartbeat shorter.`;
    throw refused(where, 'stallMs', stallMs, remedy);
  }
  if (maxDurationMs !== false) {
    if (timeout !== false && typeof timeout.afterMs === 'number' && maxDurationMs <= timeout.afterMs) {
      const remedy =
        `It is not longer than timeout.afterMs, ${timeout.afterMs}, which would never be reached: ` +
        'make it longer, or leave one of the two out.';
      throw refused(where, 'maxDurationMs', maxDurationMs, remedy);
    }
    if (revalidateMs !== false && maxDurationMs <= revalidateMs) {
      const remedy =
        `It is not longer than revalidateMs, ${revalidateMs}, so the guards would never run again: ` +
        'make it longer, or leave revalidateMs out (whoever reconnects meets the guards).';
      throw refused(where, 'maxDurationMs', maxDurationMs, remedy);
    }
  }
  const all = limits.find(({ key }) => key === 'process');
  // A limit of the module also counts on routes that have no such limit.
  const beyond = all && limits.find(({ max, shared }) => max > all.max && (all.shared || !shared));
  if (beyond) {
    const remedy = `The limit of the process is ${all.max}, so it would never be reached: lower it, or raise that.`;
    throw refused(where, 'limit.max', beyond.max, remedy);
  }
}
