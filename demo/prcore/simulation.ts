import { byTime } from './event-log.js';
import type { CaseEvent, Trace } from './event-log.js';

/** One step of a replay. */
export interface Step {
  readonly event: CaseEvent;
  /** Whether it is the last event of its case. */
  readonly caseCompleted: boolean;
}

/** The events of several cases in the order in which they happened, side by side as the cases were. */
export function replay(traces: readonly Trace[]): Step[] {
  return traces
    .flatMap((trace) => trace.map((event, index) => ({ event, caseCompleted: index === trace.length - 1 })))
    .sort((a, b) => byTime(a.event, b.event));
}
