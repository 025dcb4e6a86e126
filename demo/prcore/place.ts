/**
 * The position of the readers of a project, for delivery at least once. An entry that a reader took is not sent to
 * the next reader. It is sent again only to a reader that reconnects and, by its `Last-Event-ID`, never saw it. An
 * entry keeps its id, so a reader can detect a duplicate.
 */
export interface Place {
  /** The last entry that a reader took. */
  readonly given: number;
  /** The last entry before those that were sent to the latest reader. */
  readonly from: number;
  /** The events that the latest reader took: the id of each, and the last entry in it. */
  readonly marks: readonly (readonly [eventId: number, entry: number])[];
}

/** The position before the first reader. */
export const NO_PLACE: Place = { given: 0, from: 0, marks: [] };

const MAX_MARKS = 1000;

/** A reader starts. `lastEventId` is the id of the last event that it saw, if it sent one. */
export function entered(place: Place, lastEventId: string | undefined): Place {
  if (lastEventId === undefined || !/^\d{1,15}$/.test(lastEventId)) return after(place.given);
  const seen = Number(lastEventId);
  return after(place.marks.findLast(([eventId]) => eventId <= seen)?.[1] ?? place.from);
}

/** The reader has taken an event, with entries up to `entry`. */
export function taken(place: Place, eventId: number, entry: number): Place {
  const marks = [...place.marks, [eventId, entry] as const];
  // With fewer marks, a reader that reconnects receives more entries twice, but misses none.
  const kept = marks.length <= MAX_MARKS ? marks : marks.filter((_, i) => (marks.length - i) % 2 === 1);
  return { ...place, given: entry, marks: kept };
}

function after(entry: number): Place {
  return { given: entry, from: entry, marks: [] };
}
