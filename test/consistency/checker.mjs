import { checkGaps } from './check-gaps.mjs';
import { checkLife } from './check-life.mjs';
import { Sequel } from './sequel.mjs';

/**
 * Proves, for each client and channel, that each published event that was kept arrived exactly once and in order, or that
 * a gap reported it. It does not know IDs and logs. It knows only the times of publishing, and the events of each client.
 *
 * - If a client received two events in direct succession, no client may have received another between them. All clients agree
 *   on the order. An event whose publisher got no answer is there for all or for none, in one place.
 * - An event that was in the log before another event was published comes before it. "In the log" begins when the event
 *   was acknowledged, or when the first client received it.
 * - No acknowledged event may be missing between two events that must have been before and after it.
 * - The events of one batch are adjacent.
 * - A client that received a state has its events as if it had received them from the beginning.
 */
export function check(channels) {
  const verdict = {
    delivered: 0,
    lost: 0,
    duplicated: 0,
    outOfOrder: 0,
    phantoms: 0,
    gaps: 0,
    untrueGaps: 0,
  };
  Object.assign(verdict, {
    gapsWhileConnected: 0,
    toldMissing: 0,
    heldByStates: 0,
    acknowledged: 0,
    refused: 0,
    unknown: 0,
    unknownSeen: 0,
  });
  const violations = [];
  for (const channel of channels) {
    const known = new Known(channel);
    known.count(verdict);
    const sequel = new Sequel(channel, known);
    for (const life of channel.lives) {
      const report = (kind, count, at, what) => {
        verdict[kind] += count;
        violations.push({ kind, channel, life, at, tick: life.ticks[at] ?? Infinity, what });
      };
      checkLife({ channel, life, known, sequel, verdict, report });
      checkGaps({ channel, life, sequel, verdict, report });
    }
  }
  violations.sort((a, b) => a.tick - b.tick);
  return { ...verdict, violations };
}

/** The time since which the events of a channel are known to be in the log. */
class Known {
  #since;
  #events;

  constructor({ events, lives }) {
    this.#events = events;
    this.#since = events.map(({ acked }) => acked ?? Infinity);
    this.seen = new Set();
    for (const { entries, ticks } of lives) {
      for (const [at, index] of entries.entries()) {
        if (!events[index]) continue;
        this.seen.add(index);
        this.#since[index] = Math.min(this.#since[index], ticks[at]);
      }
    }
  }

  since(index) {
    return this.#since[index];
  }

  count(verdict) {
    for (const { outcome, index } of this.#events) {
      if (outcome !== 'open') verdict[outcome]++;
      else {
        verdict.unknown++;
        if (this.seen.has(index)) verdict.unknownSeen++;
      }
    }
  }
}
