import type { CaseEvent } from './event-log.js';
import type { Plugin, Prescriber } from './prescriber.js';
import { utcTimestamp } from './utc-timestamp.js';

/** A recommendation for the next activity of a case. */
export interface Prescription {
  readonly id: number;
  readonly datetime: string;
  readonly type: 'NEXT_ACTIVITY';
  readonly output: string;
  readonly plugin: Plugin;
}

/** One event of a case, with the prescriptions for it. */
export interface Entry {
  /** Increases by one within the project. */
  readonly id: number;
  readonly timestamp: string;
  readonly case_completed: boolean;
  readonly data: CaseEvent;
  /** Empty once the case is completed. */
  readonly prescriptions: readonly Prescription[];
}

/** A step of a case. */
export interface Happening {
  readonly event: CaseEvent;
  /** Whether it is the last event of its case. */
  readonly caseCompleted: boolean;
  /** All activities of the case so far, this one included. */
  readonly activities: readonly string[];
}

/** Creates the entry of a step, with a prescription for the next activity. */
export function entryOf(id: number, happening: Happening, prescriber: Prescriber, nowMs: number): Entry {
  const { event, caseCompleted, activities } = happening;
  const now = utcTimestamp(nowMs);
  const output = caseCompleted ? undefined : prescriber.nextActivity(activities);
  const { plugin } = prescriber;
  return {
    id,
    timestamp: now,
    case_completed: caseCompleted,
    data: event,
    prescriptions: output === undefined ? [] : [{ id, datetime: now, type: 'NEXT_ACTIVITY', output, plugin }],
  };
}
