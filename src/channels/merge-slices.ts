import type { SseEvent } from '../events/sse-event.js';
import { formatCursor, type ChannelKey, type FeedPosition } from '../log/cursor.js';
import type { LogSlice } from '../log/event-log.js';
import type { Deliverable, LogEntry, Parse } from '../log/log-entry.js';

/**
 * Merges slices of several channels by `order`. The id of each event is the cursor of all channels. The result ends at the end of a
 * slice with `more`, because the next entry of that channel may come before the rest of the others.
 */
export function mergeSlices(
  keys: readonly ChannelKey[],
  start: FeedPosition,
  slices: readonly (LogSlice | undefined)[],
): { items: readonly Deliverable[]; next: FeedPosition } {
  const next = [...start];
  const taken = slices.map(() => 0);
  const items: Deliverable[] = [];
  for (;;) {
    const from = firstOf(slices, taken);
    if (from === undefined) return { items, next };
    const entry = slices[from]?.entries[taken[from] ?? 0] as LogEntry;
    taken[from] = (taken[from] ?? 0) + 1;
    next[from] = entry.position;
    items.push(new MergedEntry(entry, formatCursor(keys, next)));
  }
}

function firstOf(slices: readonly (LogSlice | undefined)[], taken: readonly number[]): number | undefined {
  let first: number | undefined;
  let order = Infinity;
  for (const [i, slice] of slices.entries()) {
    if (!slice) continue;
    const entry = slice.entries[taken[i] ?? 0];
    if (!entry) {
      if (slice.more) return undefined;
    } else if (entry.order < order) {
      first = i;
      order = entry.order;
    }
  }
  return first;
}

/** An entry in a subscription to several channels. Its id is the cursor of all of them. */
class MergedEntry implements Deliverable {
  readonly frame: string;
  readonly bytes: number;
  private event: SseEvent | undefined;

  constructor(
    private readonly entry: LogEntry,
    private readonly id: string,
  ) {
    this.frame = entry.frameAs(id);
    this.bytes = entry.bytes + this.frame.length - entry.frame.length;
  }

  get channel(): ChannelKey {
    return this.entry.channel;
  }

  toEvent(parse: Parse): SseEvent {
    this.event ??= this.entry.eventAs(this.id, this.frame, parse);
    return this.event;
  }
}
