import type { LogPosition } from '../../log/cursor.js';
import { bornAt, parsePosition, type ChannelEnd, type EpochPlace, type Place } from './place.js';

/** The number of channels that are remembered. Beyond it, the channel that was updated longest ago is forgotten. */
const MAX_CHANNELS = 20_000;

/**
 * The history of each channel as far as this process knows it: the latest place that Redis has reported.
 *
 * Redis loses acknowledged events when it restarts without its data, or when a replica that was behind becomes the master.
 * This class detects that in answers, entries and announcements. `remember()` in `lua.ts` is its counterpart in Redis. It
 * begins the new epoch, but checks again first, because another process may have done so already.
 *
 * These facts show a loss:
 * - This process knows a later epoch than the one that Redis has.
 * - Within an epoch, this process knows a higher count.
 * - Within an epoch, time and count do not grow together. Then an entry was lost, and another was published in its place.
 * - Redis has a later epoch, and the process that began it did not know ours, although Redis still had to remember our last
 *   entry at that time.
 */
export class KnownHistory {
  private readonly ends = new Map<string, EpochPlace>();

  /** The latest known place of a channel. */
  end(channel: string): EpochPlace | undefined {
    return this.ends.get(channel);
  }

  /** Notes a place that Redis reported and that shows no loss. A place before the known one changes nothing. */
  note(channel: string, place: EpochPlace): void {
    const known = this.ends.get(channel);
    if (known && (isEarlier(place, known) || (known.epoch === place.epoch && known.count >= place.count))) {
      return;
    }
    this.set(channel, place);
  }

  /**
   * Notes an entry of this process that Redis has acknowledged. After a lost answer the acknowledgement comes from a receipt.
   * By then the entry itself can be lost, and another process can have published in its place. The acknowledged place is
   * kept in that case, although a later one is known, so that the next answer of Redis shows the loss.
   */
  acknowledge(channel: string, place: EpochPlace): void {
    const known = this.ends.get(channel);
    if (known && isEarlier(place, known)) this.set(channel, place);
    else if (known?.epoch === place.epoch && contradict(known, place)) this.lose(channel, place.epoch);
    else this.note(channel, place);
  }

  /** Notes that entries of this epoch are lost. From now on every end of this epoch shows a loss. */
  lose(channel: string, epoch: string): void {
    this.set(channel, { epoch, us: 0, count: Number.MAX_SAFE_INTEGER });
  }

  /** True if a channel with this end has lost entries. Redis remembers an entry for `lifeUs` microseconds. */
  isLostAt(channel: string, end: ChannelEnd, lifeUs: number): boolean {
    const known = this.ends.get(channel);
    if (!known) return false;
    if (known.epoch === end.epoch) return end.count < known.count || contradict(known, end);
    const knewOurs = bornAt(end.previous ?? '') >= bornAt(known.epoch);
    return isEarlier(end, known) || (known.count > 0 && !knewOurs && bornAt(end.epoch) - known.us <= lifeUs);
  }

  /** True if this process knows of an entry after a position. */
  isBeyond(channel: string, position: LogPosition): boolean {
    const known = this.ends.get(channel);
    const place = parsePosition(position);
    if (!known || !place) return false;
    return isEarlier(place, known) || (known.epoch === place.epoch && known.count > place.count);
  }

  private set(channel: string, place: EpochPlace): void {
    // A map iterates in insertion order. Deleting first moves the channel to the end, so the first key is the oldest.
    this.ends.delete(channel);
    this.ends.set(channel, place);
    if (this.ends.size <= MAX_CHANNELS) return;
    const [oldest] = this.ends.keys();
    if (oldest !== undefined) this.ends.delete(oldest);
  }
}

/** True if the known place shows that one of these entries was published in the place of a lost one. */
export function showLoss(known: EpochPlace | undefined, epoch: string, entries: Iterable<Place>): boolean {
  if (!known) return false;
  if (known.epoch !== epoch) return bornAt(epoch) < bornAt(known.epoch);
  for (const entry of entries) if (contradict(known, entry)) return true;
  return false;
}

function isEarlier(a: EpochPlace, b: EpochPlace): boolean {
  return bornAt(a.epoch) < bornAt(b.epoch);
}

/** True if two places of one epoch cannot belong to the same history. */
function contradict(known: Place, { us, count }: Place): boolean {
  if (count === known.count) return us !== known.us;
  return count < known.count ? us > known.us : us < known.us;
}
