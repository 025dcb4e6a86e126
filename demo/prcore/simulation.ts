import type { Happening } from './entry.js';
import { byTime } from './event-log.js';
import type { Trace } from './event-log.js';

/** Merges the events of several cases in the order in which they happened. */
export function replay(traces: readonly Trace[]): Happening[] {
  return traces
    .flatMap((trace) => {
      const activities = trace.map(({ activity }) => activity);
      return trace.map((event, index) => ({
        event,
        caseCompleted: index === trace.length - 1,
        activities: activities.slice(0, index + 1),
      }));
    })
    .sort((a, b) => byTime(a.event, b.event));
}
