/** Faults that a log can have, to show that the check finds them. */
export const FAULTS = ['loss', 'duplicate', 'disorder', 'missing-gap'];

/** One read out of this many is wrong. */
const ONE_IN = 150;

/** A log in memory that sometimes answers a read wrongly. */
export function brokenLog(log, fault) {
  if (!FAULTS.includes(fault)) throw new Error(`BROKEN is one of ${FAULTS.join(', ')}, not "${fault}".`);
  let reads = 0;
  return new Proxy(log, {
    get(target, name) {
      const own = target[name];
      if (name !== 'read') return typeof own === 'function' ? own.bind(target) : own;
      return (...asked) => {
        const slice = target.read(...asked);
        if (fault === 'missing-gap') return { ...slice, gap: false };
        if (slice.entries.length < 3 || ++reads % ONE_IN !== 0) return slice;
        const [first, second, ...rest] = slice.entries;
        const entries = {
          loss: [first, ...rest],
          duplicate: [first, second, second, ...rest],
          disorder: [second, first, ...rest],
        }[fault];
        return { ...slice, entries };
      };
    },
  });
}
