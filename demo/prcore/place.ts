/**
 * How far a project's readers have come, delivered at least once: what a reader is known to have taken is not for the next
 * one, but for one that comes back and, by its `Last-Event-ID`, never saw it. An entry keeps its id, so a reader that got one
 * twice can tell.
 */
export interface Place {
  /** The last entry that a reader took. */
  readonly given: number;
  /** The last entry before those that the latest reader was given. */
  readonly from: number;
  /** What the latest reader took: the id of an event, and the last entry in it. */
  readonly marks: readonly (readonly [eventId: number, entry: number])[];
}

/** Before anybody has read. */
export const NO_PLACE: Place = { given: 0, from: 0, marks: [] };

const MAX_MARKS = 1000;

/** A reader begins, who may say which event was the last that it saw. */
export function entered(place: Place, lastEventId: string | undefined): Place {
  if (lastEventId === undefined || !/^\d{1,15}$/.test(lastEventId)) return after(place.given);
  const seen = Number(lastEventId);
  return after(place.marks.findLast(([eventId]) => eventId <= seen)?.[1] ?? place.from);
}

/** The reader has taken an event, up to an entry. */
export function taken(place: Place, eventId: number, entry: number): Place {
  const marks = [...place.marks, [eventId, entry] as const];
  // With fewer marks one who comes back is given more twice, and nothing less.
  const kept = marks.length <= MAX_MARKS ? marks : marks.filter((_, i) => (marks.length - i) % 2 === 1);
  return { ...place, given: entry, marks: kept };
}

function after(entry: number): Place {
  return { given: entry, from: entry, marks: [] };
}
