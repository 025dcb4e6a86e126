import type { LogPosition } from '../../log/cursor.js';
import { bornAt, parsePosition, type ChannelEnd, type EpochPlace, type Place } from './place.js';

/** The number of channels that are remembered; the ones heard of longest ago are forgotten. */
const MAX_CHANNELS = 20_000;

/**
 * What this process knows of the history of each channel: the latest place that Redis has told it of.
 *
 * Redis loses acknowledged events when it restarts without its data, or when a replica takes over that was behind. This
 * class decides whether that has happened, for answers, entries and announcements alike. `remember()` in `lua.ts` is its
 * counterpart in Redis: it begins the new epoch, and decides again, because another process may have done so already.
 *
 * These facts show a loss:
 * - A later epoch is known than the one that Redis has.
 * - Within an epoch, a higher count is known. Or time and count do not grow together: then an entry was published in the
 *   place of one that is lost.
 * - Redis has a later epoch, and the process that began it did not know of ours, although Redis would not have forgotten
 *   our last entry by then.
 */
export class KnownHistory {
  private readonly ends = new Map<string, EpochPlace>();

  /** The latest place that is known. */
  end(channel: string): EpochPlace | undefined {
    return this.ends.get(channel);
  }

  /** Redis has told this process of a place that shows no loss. One that is earlier than the known one changes nothing. */
  note(channel: string, place: EpochPlace): void {
    const known = this.ends.get(channel);
    if (known && (isEarlier(place, known) || (known.epoch === place.epoch && known.count >= place.count))) {
      return;
    }
    this.set(channel, place);
  }

  /**
   * Redis has acknowledged an entry of this process. After a lost answer the acknowledgement can come from a receipt, when
   * the entry itself is lost already and another process has published in its place. What was heard of that process in the
   * meantime does not count then: the acknowledged place is kept, so that the next answer of Redis shows the loss.
   */
  acknowledge(channel: string, place: EpochPlace): void {
    const known = this.ends.get(channel);
    if (known && isEarlier(place, known)) this.set(channel, place);
    else if (known?.epoch === place.epoch && contradict(known, place)) this.lose(channel, place.epoch);
    else this.note(channel, place);
  }

  /** Entries of this epoch are lost. Every end of it is a contradiction from now on, until a new epoch begins. */
  lose(channel: string, epoch: string): void {
    this.set(channel, { epoch, us: 0, count: Number.MAX_SAFE_INTEGER });
  }

  /** Whether a channel that now ends here has lost something. Redis remembers an entry for `lifeUs` microseconds. */
  isLostAt(channel: string, end: ChannelEnd, lifeUs: number): boolean {
    const known = this.ends.get(channel);
    if (!known) return false;
    if (known.epoch === end.epoch) return end.count < known.count || contradict(known, end);
    const isTold = bornAt(end.previous ?? '') >= bornAt(known.epoch);
    return isEarlier(end, known) || (known.count > 0 && !isTold && bornAt(end.epoch) - known.us <= lifeUs);
  }

  /** Whether something is known to follow a position. */
  isBeyond(channel: string, position: LogPosition): boolean {
    const known = this.ends.get(channel);
    const place = parsePosition(position);
    if (!known || !place) return false;
    return isEarlier(place, known) || (known.epoch === place.epoch && known.count > place.count);
  }

  private set(channel: string, place: EpochPlace): void {
    // Deleted first: a map iterates in the order of insertion, so its first key is the one heard of longest ago.
    this.ends.delete(channel);
    this.ends.set(channel, place);
    if (this.ends.size <= MAX_CHANNELS) return;
    const [oldest] = this.ends.keys();
    if (oldest !== undefined) this.ends.delete(oldest);
  }
}

/** Whether one of these entries was published in the place of an entry that is lost, as far as a known place shows. */
export function showLoss(known: EpochPlace | undefined, epoch: string, entries: Iterable<Place>): boolean {
  if (!known) return false;
  if (known.epoch !== epoch) return bornAt(epoch) < bornAt(known.epoch);
  for (const entry of entries) if (contradict(known, entry)) return true;
  return false;
}

function isEarlier(a: EpochPlace, b: EpochPlace): boolean {
  return bornAt(a.epoch) < bornAt(b.epoch);
}

/** Whether two places of one epoch cannot be of the same history. */
function contradict(known: Place, { us, count }: Place): boolean {
  if (count === known.count) return us !== known.us;
  return count < known.count ? us > known.us : us < known.us;
}
