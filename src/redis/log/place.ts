import { parseSortableNumber, sortableNumber, type LogPosition } from '../../log/cursor.js';

/**
 * The place of an entry in its channel: the two halves of its entry id in the Redis Stream. Both grow. `count` numbers the
 * entries without holes, so a place and the entry after it show whether an entry between them is missing.
 */
export interface Place {
  /** Microseconds since 1970 by the clock of Redis. They never decrease within a channel. */
  readonly us: number;
  /** The number of entries that the channel has had, including this one. */
  readonly count: number;
}

/** A place and its epoch. */
export interface EpochPlace extends Place {
  readonly epoch: string;
}

/** The newest place of a channel in Redis. */
export interface ChannelEnd extends EpochPlace {
  /** The latest places of earlier epochs that the process that began this epoch knew. The latest epoch comes first. */
  readonly previous?: readonly EpochPlace[];
}

const POSITION = /^([0-9a-z]{1,16})-([0-9a-z]{2,12})_([0-9a-z]{1,11})$/;

/**
 * Formats a place as a position. The count comes first, because it alone gives the order within an epoch. The time
 * distinguishes two entries that had the same count in two histories of the channel.
 */
export function formatPosition(epoch: string, { us, count }: Place): LogPosition {
  return `${epoch}-${sortableNumber(count)}_${us.toString(36)}`;
}

/** Parses the result of {@link formatPosition}; `undefined` for any other text. */
export function parsePosition(position: LogPosition): EpochPlace | undefined {
  const [, epoch = '', digits = '', time = ''] = POSITION.exec(position) ?? [];
  const count = parseSortableNumber(digits);
  const us = Number.parseInt(time, 36);
  return count !== undefined && Number.isSafeInteger(us) ? { epoch, us, count } : undefined;
}

/** The time at which an epoch began, in microseconds by the clock of Redis; 0 for text that is not an epoch. */
export function bornAt(epoch: string): number {
  const digits = Number.parseInt(epoch.slice(0, 1), 36);
  return parseSortableNumber(epoch.slice(0, 1 + digits)) ?? 0;
}

/**
 * The end of a channel that does not exist at this time: Redis has no key for it. Its epoch is the time without a random
 * end, so it sorts before every epoch that begins later.
 */
export function vacancy(us: number): EpochPlace {
  return { epoch: sortableNumber(us), us: 0, count: 0 };
}

/** True if this is the end of a channel that did not exist. */
export function isVacancy({ epoch }: EpochPlace): boolean {
  return epoch.length === 1 + Number.parseInt(epoch.slice(0, 1), 36);
}

/** The entry id of a place in a Redis Stream. */
export function entryId({ us, count }: Place): string {
  return `${us}-${count}`;
}

/** The place of an entry id. */
export function parseEntryId(id: string): Place {
  const dash = id.indexOf('-');
  return { us: Number(id.slice(0, dash)), count: Number(id.slice(dash + 1)) };
}

/** Parses the places of earlier epochs as `remember()` in `lua.ts` writes them: `<epoch> <id> <epoch> <id>`. */
export function parsePrevious(text: string): readonly EpochPlace[] {
  return Array.from(text.matchAll(/(\S+) (\S+)/g), ([, epoch = '', id = '']) => ({
    epoch,
    ...parseEntryId(id),
  }));
}

/** The place directly before an entry. Its time is not known, because the entry there may be evicted. */
export function placeBefore({ us, count }: Place): Place {
  return { us, count: count - 1 };
}

export function samePlace(a: Place, b: Place): boolean {
  return a.us === b.us && a.count === b.count;
}
