import { parseSortableNumber, sortableNumber, type LogPosition } from '../../log/cursor.js';

/**
 * Where an entry is in its channel: the two halves of its id in Redis. Both grow, and `count` numbers the entries without
 * holes, so that a place and the entry after it show whether anything between them is gone.
 */
export interface Place {
  /** Microseconds since 1970 by Redis's clock, never going backwards within a channel. */
  readonly us: number;
  /** How many entries the channel has had, this one included. */
  readonly count: number;
}

/** A place and the epoch it belongs to. */
export interface EpochPlace extends Place {
  readonly epoch: string;
}

/** The newest place of a channel as Redis has it. */
export interface ChannelEnd extends EpochPlace {
  /** The latest epoch before this one that was known to the process that began it. */
  readonly previous?: string | undefined;
}

const POSITION = /^([0-9a-z]{1,16})-([0-9a-z]{2,12})_([0-9a-z]{1,11})$/;

/**
 * A place as it travels in cursors. The count comes first, because it alone gives the order within an epoch. The time
 * tells apart two entries that had the same count in two histories of the channel.
 */
export function formatPosition(epoch: string, { us, count }: Place): LogPosition {
  return `${epoch}-${sortableNumber(count)}_${us.toString(36)}`;
}

/** What {@link formatPosition} wrote; `undefined` for everything that cannot be a position. */
export function parsePosition(position: LogPosition): EpochPlace | undefined {
  const [, epoch = '', digits = '', time = ''] = POSITION.exec(position) ?? [];
  const count = parseSortableNumber(digits);
  const us = Number.parseInt(time, 36);
  return count !== undefined && Number.isSafeInteger(us) ? { epoch, us, count } : undefined;
}

/** When an epoch began, in microseconds by Redis's clock; 0 for text that is not an epoch. */
export function bornAt(epoch: string): number {
  const digits = Number.parseInt(epoch.slice(0, 1), 36);
  return parseSortableNumber(epoch.slice(0, 1 + digits)) ?? 0;
}

/**
 * The end of a channel that does not exist at this time: it has no entries, and Redis keeps nothing for it. Its epoch is
 * the time without a random end, so it sorts before every epoch that begins later.
 */
export function vacancy(us: number): EpochPlace {
  return { epoch: sortableNumber(us), us: 0, count: 0 };
}

/** Whether this is the end of a channel that did not exist. */
export function isVacancy({ epoch }: EpochPlace): boolean {
  return epoch.length === 1 + Number.parseInt(epoch.slice(0, 1), 36);
}

/** A place as Redis writes it. */
export function entryId({ us, count }: Place): string {
  return `${us}-${count}`;
}

/** The place in an id that Redis wrote. */
export function parseEntryId(id: string): Place {
  const dash = id.indexOf('-');
  return { us: Number(id.slice(0, dash)), count: Number(id.slice(dash + 1)) };
}

/** The place directly before an entry. The entry that was there may be gone, and its time with it. */
export function placeBefore({ us, count }: Place): Place {
  return { us, count: count - 1 };
}

export function samePlace(a: Place, b: Place): boolean {
  return a.us === b.us && a.count === b.count;
}
