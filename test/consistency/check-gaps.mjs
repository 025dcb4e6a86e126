/** Checks that a client got every gap that it should, and that each gap has the right content. */
export function checkGaps({ channel: { events }, life, sequel, verdict, report }) {
  const { start, entries, gaps, sessions } = life;
  let before = start.after;
  let lastId = events[before]?.id;
  for (const [at, entry] of entries.entries()) {
    if (entry >= 0) {
      before = entry;
      lastId = events[entry]?.id;
      continue;
    }
    const { id, requested, oldest } = gaps[-1 - entry];
    const next = entries[at + 1];
    verdict.gaps++;
    if (!sessions.some((session) => session.at === at)) verdict.gapsWhileConnected++;
    const untrue = (what) => report('untrueGaps', 1, at, `a gap after ${before} ${what}`);
    // Before the first event the client may have a cursor that belongs to no event.
    if (lastId !== undefined && requested !== lastId) untrue(`speaks of ${requested}, not ${lastId}`);
    if (next >= 0 && oldest !== null && events[next]?.id !== oldest) {
      untrue(`announces ${oldest}, and ${events[next]?.id} follows`);
    }
    if (next >= 0 && before !== undefined && sequel.joins(before, next)) {
      untrue(`before ${next}, where nothing is missing`);
    }
    lastId = id;
  }
}
