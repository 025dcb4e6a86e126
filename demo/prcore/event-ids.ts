let latest = 0;

/**
 * The next id of PrCore's streams. Whatever carries one takes it from here, pings included, so that the ids of a
 * project rise from one event and one reader to the next.
 */
export function nextEventId(): string {
  return String(++latest);
}
