import { steps } from './sequel.mjs';

/** Checks one client's reading of a channel, gaps aside. */
export function checkLife({ channel, life, known, sequel, verdict, report }) {
  checkEntries(channel, life, sequel, verdict, report);
  checkOrder(channel, life, known, report);
  const lost = new Set();
  const isLost = (index) => !lost.has(index) && !life.stored.has(index);
  for (const { from, to, gap, at } of steps(life, channel.events)) {
    if (gap) continue;
    checkNeighbours(channel, from, to, at, report);
    const skipped = sequel.skippedBetween(from, to);
    if (!skipped) continue;
    const what = skipped.length > 0 ? `others were given ${list(skipped)} between` : 'others disagree';
    report('lost', Math.max(skipped.length, 1), at, `event ${to} came right after ${from}; ${what}`);
    for (const index of skipped) lost.add(index);
  }
  for (const run of runs(life)) {
    const missing = missingIn(channel, run, known).filter(isLost);
    for (const index of missing) lost.add(index);
    if (missing.length === 0) continue;
    const what = `acknowledged, not given, and no gap: ${list(missing)}`;
    report('lost', missing.length, placeOf(run, missing[0], known), what);
  }
  const [whole] = runs({ ...life, entries: life.entries.filter((index) => index >= 0) });
  verdict.toldMissing += missingIn(channel, whole, known).filter(isLost).length;
}

function checkEntries({ events }, { entries, ticks, start, held = 0 }, sequel, verdict, report) {
  const given = new Set(start.after === undefined ? [] : [start.after]);
  for (const [at, index] of entries.entries()) {
    if (index < 0) continue;
    if (at < held) verdict.heldByStates++;
    else verdict.delivered++;
    const event = events[index];
    if (!event || event.outcome === 'refused' || event.sent > ticks[at]) {
      report('phantoms', 1, at, `event ${index} is ${event ? event.outcome : 'unknown'}, and was given`);
    } else if (given.has(index)) report('duplicated', 1, at, `event ${index} was given a second time`);
    else if (sequel.isTangled(index)) {
      report('outOfOrder', 1, at, `event ${index} was given to others in another order`);
    }
    given.add(index);
  }
}

/** Events that were in the log before another event was published come before that event. */
function checkOrder({ events }, { entries, start }, known, report) {
  let [latest, latestSent] = [start.after, events[start.after]?.sent ?? 0];
  const given = new Set();
  for (const [at, index] of entries.entries()) {
    if (!events[index] || given.has(index)) continue;
    given.add(index);
    if (index !== latest && known.since(index) < latestSent) {
      report(
        'outOfOrder',
        1,
        at,
        `event ${index} was there before ${latest} was published, and came after it`,
      );
    }
    if (events[index].sent > latestSent) [latest, latestSent] = [index, events[index].sent];
  }
}

function checkNeighbours({ events }, from, to, at, report) {
  const [a, b] = [events[from], events[to]];
  const whole = a.place === a.size - 1 && b.place === 0;
  if (whole || (a.group === b.group && b.place === a.place + 1)) return;
  report('outOfOrder', 1, at, `event ${to} after ${from} tears what was published in one go apart`);
}

/** The events that a client received from its start, or from a gap, up to the next gap. None may be missing in between. */
function runs({ start, entries, toEnd }) {
  const all = [
    { head: start.head, given: start.after === undefined ? [] : [start.after], at: 0, toEnd: false },
  ];
  for (const [at, index] of entries.entries()) {
    if (index < 0) all.push({ head: undefined, given: [], at, toEnd: false });
    else all.at(-1).given.push(index);
  }
  all.at(-1).toEnd = toEnd;
  return all;
}

/** Acknowledged events that must lie between two events of a life, and are missing. */
function missingIn({ events }, { head, given, toEnd }, known) {
  let first = head ?? Infinity;
  let last = toEnd ? Infinity : 0;
  for (const index of given) {
    if (!events[index]) continue;
    first = Math.min(first, known.since(index));
    last = Math.max(last, events[index].sent);
  }
  const here = new Set(given);
  const missing = [];
  for (const { index, outcome, sent } of events) {
    if (outcome !== 'acknowledged' || sent <= first || known.since(index) >= last) continue;
    if (!here.has(index)) missing.push(index);
  }
  return missing;
}

/** The place in a life where an event should have come: before the first event that was published after it was stored. */
function placeOf({ given, at, head }, index, known) {
  const found = given.findIndex((other) => known.since(other) > known.since(index));
  return at + (found === -1 ? given.length : found) + (at === 0 && head !== undefined ? 0 : 1);
}

function list(indexes) {
  const shown = indexes.slice(0, 5).join(', ');
  return indexes.length > 5 ? `${shown} and ${indexes.length - 5} more` : shown;
}
