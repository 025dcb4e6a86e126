import { parseSortableNumber, sortableNumber, type LogPosition } from '../../log/cursor.js';

/**
 * A place in a channel. `pos` numbers the events of all channels together, so the numbers of one channel have holes. `token`
 * tells apart two events that had the same number in two histories of the database.
 */
export interface Place {
  readonly pos: number;
  /** `undefined` if no event is there: the end of a channel that had none. */
  readonly token: number | undefined;
}

/** A place and the epoch it belongs to. */
export interface EpochPlace extends Place {
  readonly epoch: string;
}

const POSITION = /^([0-9a-z]{1,16})-([0-9a-z]{2,12})(?:_([0-9a-z]{1,11}))?$/;

/** The text of a place. */
export function formatPosition(epoch: string, { pos, token }: Place): LogPosition {
  const place = `${epoch}-${sortableNumber(pos)}`;
  return token === undefined ? place : `${place}_${token.toString(36)}`;
}

/** The place of a text; `undefined` if it is not a position of this log. */
export function parsePosition(position: LogPosition): EpochPlace | undefined {
  const [, epoch = '', digits = '', tokenDigits] = POSITION.exec(position) ?? [];
  const pos = parseSortableNumber(digits);
  const token = tokenDigits === undefined ? undefined : Number.parseInt(tokenDigits, 36);
  if (pos === undefined || (token !== undefined && token.toString(36) !== tokenDigits)) return undefined;
  return { epoch, pos, token };
}

/** A place as PostgreSQL answers it. No event has the token 0. */
export function placeOf(pos: unknown, token: unknown): Place {
  return { pos: Number(pos), token: Number(token ?? 0) || undefined };
}

/** Eight characters of base 36. */
const TOKENS = 2 ** 41;

/** The token of a batch. */
export function randomToken(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return 1 + ((high * 2 ** 32 + low) % (TOKENS - 1));
}
