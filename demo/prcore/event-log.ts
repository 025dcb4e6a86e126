import { readFile } from 'node:fs/promises';
import { asset } from '../assets.js';

/** One thing that happened in a case. */
export interface CaseEvent {
  readonly case_id: string;
  readonly activity: string;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  readonly resource?: string;
}

/** A case from its first event to its last. */
export type Trace = readonly CaseEvent[];

const COLUMNS = 'case_id,activity,timestamp,resource';

/**
 * The log that is shipped with the demo: 420 loan applications, made by `make-event-log.mjs` beside it, which says
 * what is in them.
 */
export async function readEventLog(): Promise<Trace[]> {
  return parseEventLog(await readFile(asset('prcore/event-log.csv'), 'utf8'));
}

/**
 * The cases of a log in CSV, in the order in which they started; the events of each in the order of time.
 *
 * @throws {Error} at the first line that is not four fields, quoting it.
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

/** The order of time; ISO timestamps of one length compare as text. */
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
