import type { LogPosition } from '../../log/cursor.js';

/**
 * Where an entry is in the stream of its channel: the two halves of its id there. Both grow, and `count` numbers the
 * entries without holes, so that a place and the entry after it tell whether anything went between them.
 */
export interface StreamPlace {
  /** Microseconds since 1970 by Redis's clock, never going backwards within a channel. */
  readonly us: number;
  /** How many entries the channel has had, this one included. */
  readonly count: number;
}

/** The newest place of a channel, and the epoch it belongs to. */
export interface StreamEnd extends StreamPlace {
  readonly epoch: string;
}

const OFFSET = /^([0-9a-z]{1,16})-([0-9a-z]{1,11})_([0-9a-z]{1,11})$/;

/** A place as it travels in cursors. */
export function formatPosition(epoch: string, { us, count }: StreamPlace): LogPosition {
  return `${epoch}-${us.toString(36)}_${count.toString(36)}`;
}

/** What {@link formatPosition} wrote; `undefined` for everything that cannot be a position. */
export function parsePosition(position: LogPosition): StreamEnd | undefined {
  const [, epoch = '', us = '', count = ''] = OFFSET.exec(position) ?? [];
  const place = { epoch, us: Number.parseInt(us, 36), count: Number.parseInt(count, 36) };
  return Number.isSafeInteger(place.us) && Number.isSafeInteger(place.count) ? place : undefined;
}

/** A place as Redis writes it. */
export function streamId({ us, count }: StreamPlace): string {
  return `${us}-${count}`;
}

/** The place in an id that Redis wrote. */
export function parseStreamId(id: string): StreamPlace {
  const dash = id.indexOf('-');
  return { us: Number(id.slice(0, dash)), count: Number(id.slice(dash + 1)) };
}

/** A place that the entry follows and nothing lies between: its neighbour may be gone, and with it its time. */
export function placeBefore({ us, count }: StreamPlace): StreamPlace {
  return { us, count: count - 1 };
}

export function samePlace(a: StreamPlace, b: StreamPlace): boolean {
  return a.us === b.us && a.count === b.count;
}
