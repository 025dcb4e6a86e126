/** What `check` reads of a {@link History}; the rest is for people. */
export interface CheckedChannel {
  name: string;
  events: {
    index: number;
    group: number;
    place: number;
    size: number;
    sent: number;
    acked?: number;
    outcome: 'open' | 'acknowledged' | 'refused';
    id?: string;
  }[];
  lives: {
    client: string;
    start: { head: number } | { after: number };
    /** The number of entries at the beginning that came in a state. */
    held?: number;
    /** The events that came in a state without an order. They may also be entries. */
    stored: ReadonlySet<number>;
    entries: number[];
    ticks: number[];
    gaps: { id: string; requested: string; oldest: string | null }[];
    sessions: { at: number }[];
    toEnd: boolean;
  }[];
}

export interface Verdict {
  delivered: number;
  lost: number;
  duplicated: number;
  outOfOrder: number;
  phantoms: number;
  gaps: number;
  gapsWhileConnected: number;
  untrueGaps: number;
  toldMissing: number;
  heldByStates: number;
  violations: { kind: string; at: number; tick: number; what: string }[];
}

export function check(channels: CheckedChannel[]): Verdict;
