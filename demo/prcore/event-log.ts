import { readFile } from 'node:fs/promises';
import { asset } from '../assets.js';

/** One event of a case. */
export interface CaseEvent {
  readonly case_id: string;
  readonly activity: string;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  readonly resource?: string;
}

/** The events of a case, from the first to the last. */
export type Trace = readonly CaseEvent[];

const COLUMNS = 'case_id,activity,timestamp,resource';

/**
 * Reads the log that is shipped with the demo: 420 loan applications. `make-event-log.mjs` generates and describes
 * it.
 */
export async function readEventLog(): Promise<Trace[]> {
  return parseEventLog(await readFile(asset('prcore/event-log.csv'), 'utf8'));
}

/**
 * Parses a log in CSV. The cases are sorted by their start, and the events of each case by time.
 *
 * @throws {Error} at the first line that does not have four fields. The message quotes the line.
 */
export function parseEventLog(csv: string): Trace[] {
  const [header, ...lines] = csv.trimEnd().split('\n');
  if (header !== COLUMNS) throw new Error(`An event log starts with "${COLUMNS}", not with "${header}".`);
  const cases = new Map<string, CaseEvent[]>();
  for (const line of lines) {
    const event = parseLine(line);
    const trace = cases.get(event.case_id);
    if (trace === undefined) cases.set(event.case_id, [event]);
    else trace.push(event);
  }
  const traces = [...cases.values()];
  for (const trace of traces) trace.sort(byTime);
  return traces.sort(([a], [b]) => byTime(a as CaseEvent, b as CaseEvent));
}

/** Compares two events by time. ISO timestamps of equal length compare as text. */
export function byTime(a: CaseEvent, b: CaseEvent): number {
  return a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0;
}

function parseLine(line: string): CaseEvent {
  const [case_id, activity, timestamp, resource, ...rest] = line.split(',');
  if (!case_id || !activity || !timestamp || !resource || rest.length > 0) {
    throw new Error(`A line of the event log is not "${COLUMNS}": "${line}".`);
  }
  return { case_id, activity, timestamp, resource };
}
