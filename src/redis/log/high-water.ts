import type { LogPosition } from '../../log/cursor.js';
import { parsePosition, type StreamEnd } from './stream-place.js';

const MOST = 20_000;

/**
 * The newest place of each channel that this process has heard of from Redis. If Redis ever knows less, it has lost
 * something that was acknowledged. Channels heard of longest ago are forgotten.
 */
export class HighWater {
  private readonly ends = new Map<string, StreamEnd>();

  get(channel: string): StreamEnd | undefined {
    return this.ends.get(channel);
  }

  /** Whether that is news. */
  raise(channel: string, end: StreamEnd): boolean {
    const known = this.ends.get(channel);
    if (known?.epoch === end.epoch && known.count >= end.count) return false;
    this.ends.delete(channel);
    this.ends.set(channel, end);
    if (this.ends.size > MOST) for (const oldest of this.ends.keys()) return this.ends.delete(oldest);
    return true;
  }

  /** Whether something is known to follow a position. */
  isBeyond(channel: string, position: LogPosition): boolean {
    const known = this.ends.get(channel);
    const place = parsePosition(position);
    return known !== undefined && known.epoch === place?.epoch && known.count > place.count;
  }

  /** Something of this epoch is known to be lost: it is taken to have gone on for ever, until another one has begun. */
  lose(channel: string, epoch: string): void {
    this.ends.set(channel, { epoch, us: 0, count: Number.MAX_SAFE_INTEGER });
  }

  /** Whether entries up to this end, the first of them with this count, cannot be of the history that is known. */
  isOtherwise(channel: string, end: StreamEnd, first: number): boolean {
    const known = this.ends.get(channel);
    return known !== undefined && known.epoch === end.epoch && first <= known.count && end.us > known.us;
  }

  /** Whether Redis, which now says this, has lost something. */
  contradicts(channel: string, end: StreamEnd): boolean {
    const known = this.ends.get(channel);
    return known !== undefined && known.epoch === end.epoch && known.count > end.count;
  }
}
