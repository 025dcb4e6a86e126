import type { LogPosition } from '../../log/cursor.js';
import { bornAt, parsePosition, type ChannelEnd, type EpochPlace, type Place } from './place.js';

/** The latest known place of a channel. */
interface KnownEnd extends EpochPlace {
  /** Entries of this epoch are known to be lost. */
  readonly lost?: boolean;
}

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
 * - Redis has a later epoch, and the process that began it knew ours, but not our last entry. During a failover the old
 *   master can acknowledge entries after another process has begun an epoch on the new one. Subscribers of that epoch have
 *   seen their gap before these entries were published, and need another one.
 */
export class KnownHistory {
  private readonly ends = new Map<string, KnownEnd>();

  /** The latest known place of a channel. */
  end(channel: string): KnownEnd | undefined {
    return this.ends.get(channel);
  }

  /** Notes a place that Redis reported and that shows no loss. A place before the known one changes nothing. */
  note(channel: string, place: EpochPlace): void {
    const known = this.ends.get(channel);
    if (known && isEarlier(place, known)) return;
    if (known?.epoch === place.epoch && (known.lost === true || known.count >= place.count)) return;
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
    else if (known?.epoch === place.epoch && contradict(known, place)) this.lose(channel, place);
    else this.note(channel, place);
  }

  /**
   * Notes that the channel contradicts a place that was known: entries of its epoch are lost. From now on every end of this
   * epoch shows a loss. The place is kept, because the epoch that begins next has to name it.
   */
  lose(channel: string, { epoch, us, count }: EpochPlace): void {
    this.set(channel, { epoch, us, count, lost: true });
  }

  /** True if a channel with this end has lost entries. Redis remembers an entry for `lifeUs` microseconds. */
  isLostAt(channel: string, end: ChannelEnd, lifeUs: number): boolean {
    const known = this.ends.get(channel);
    if (!known) return false;
    if (known.epoch === end.epoch) return end.count < known.count || contradict(known, end);
    if (isEarlier(end, known)) return true;
    return known.count > 0 && !isReported(known, end) && bornAt(end.epoch) - known.us <= lifeUs;
  }

  /** True if this process knows of an entry after a position. */
  isBeyond(channel: string, position: LogPosition): boolean {
    const known = this.ends.get(channel);
    const place = parsePosition(position);
    if (!known || !place) return false;
    if (known.epoch !== place.epoch) return isEarlier(place, known);
    return known.lost === true || known.count > place.count;
  }

  private set(channel: string, place: KnownEnd): void {
    // A map iterates in insertion order. Deleting first moves the channel to the end, so the first key is the oldest.
    this.ends.delete(channel);
    this.ends.set(channel, place);
    if (this.ends.size <= MAX_CHANNELS) return;
    const [oldest] = this.ends.keys();
    if (oldest !== undefined) this.ends.delete(oldest);
  }
}

/** True if the known place shows that one of these entries was published in the place of a lost one. */
export function showLoss(known: KnownEnd | undefined, epoch: string, entries: Iterable<Place>): boolean {
  if (!known) return false;
  if (known.epoch !== epoch) return bornAt(epoch) < bornAt(known.epoch);
  for (const entry of entries) if (contradict(known, entry)) return true;
  return false;
}

function isEarlier(a: EpochPlace, b: EpochPlace): boolean {
  return bornAt(a.epoch) < bornAt(b.epoch);
}

/**
 * True if the gap of a later epoch covers the loss of a known entry, because the entry was published before the epoch began.
 * It was if the process that began the epoch knew it, or one after it. If that process did not know the epoch of the entry
 * but a later one, only the times can be compared.
 */
function isReported(known: EpochPlace, { epoch, previous = [] }: ChannelEnd): boolean {
  const [latest] = previous;
  if (!latest || isEarlier(latest, known)) return false;
  const reported = previous.find((each) => each.epoch === known.epoch);
  if (!reported) return known.us < bornAt(epoch);
  return known.count <= reported.count && !contradict(reported, known);
}

/** True if two places of one epoch cannot belong to the same history, or if this epoch has lost entries. */
function contradict(known: Place & { readonly lost?: boolean }, { us, count }: Place): boolean {
  if (known.lost === true) return true;
  if (count === known.count) return us !== known.us;
  return count < known.count ? us > known.us : us < known.us;
}
