import { rejected } from '../checking/option-check.js';
import type { EventLog } from '../log/event-log.js';
import type { Retention } from '../log/retention.js';
import { CONTROL_PREFIX } from './run-control.js';
import { EVENTS_PREFIX } from './run-events.js';

/** Nodes that view a run must find the renewals of its lease, also if its events are kept for a shorter time. */
const LEASES = 4;

/**
 * Sets the retention of all runs in a log.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` if the log cannot keep some channels for another time than others.
 */
export function retainRuns(log: EventLog, retention: Retention, leaseMs: number): void {
  if (!log.retain) {
    throw rejected(
      'Runs: The option "retention" needs a log that has the method retain().',
      'Set the retention where you create the log.',
      { option: 'retention', value: retention },
    );
  }
  const { maxAgeMs } = retention;
  log.retain(EVENTS_PREFIX, retention);
  if (maxAgeMs === undefined) return;
  log.retain(CONTROL_PREFIX, { maxAgeMs: maxAgeMs && Math.max(maxAgeMs, LEASES * leaseMs) });
}
