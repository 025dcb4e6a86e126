import { randomId } from '../random-id.js';
import { SseError, quoted } from '../errors/sse.errors.js';

/**
 * A place between two entries of one channel: after the entry that has it, before the next. Only the log makes and reads
 * positions. They have the form `<epoch>-<offset>`, with an epoch `[0-9a-z]{1,16}` and an offset `[0-9a-z_]{1,32}`, because
 * they travel in cursors.
 *
 * Positions of one channel, compared as text, are in the order of the log. A log begins a new epoch whenever offsets might
 * come a second time (a restart without data, a flush), and a later epoch sorts after an earlier one.
 */
export type LogPosition = string;

/** A place in each of some channels; `undefined` is before the oldest. Never changed, often shared. */
export type FeedPosition = readonly (LogPosition | undefined)[];

/** A channel as cursors know it. */
export interface ChannelKey {
  readonly name: string;
  /** Stands for the name in cursors, so that one of another channel is told apart. */
  readonly tag: string;
}

/**
 * A whole number as text that sorts like the number: one character for how many digits follow, then the digits, in base
 * 36. `35` is `1z`, `36` is `210`.
 *
 * Plain base 36 does not sort (`z` is 35 and comes after `10`, which is 36). A fixed width would sort too, but a number up
 * to 2^53 takes 11 digits, and a cursor of 100 channels carries 200 numbers in one request header. With the length in
 * front, the small numbers that most positions have stay short.
 */
export function sortableNumber(number: number): string {
  const digits = number.toString(36);
  return digits.length.toString(36) + digits;
}

/** The number that {@link sortableNumber} wrote; `undefined` for all other text, so that a number has one spelling. */
export function parseSortableNumber(text: string): number | undefined {
  const number = Number.parseInt(text.slice(1), 36);
  return Number.isSafeInteger(number) && sortableNumber(number) === text ? number : undefined;
}

/**
 * The name of an epoch that begins now. It starts with the time in microseconds, so that it sorts after the epochs before
 * it. The random end tells apart two histories that began in the same microsecond.
 */
export function newEpoch(): string {
  const us = Math.trunc((performance.timeOrigin + performance.now()) * 1000);
  return sortableNumber(us) + epochSuffix();
}

/** The random end of an epoch. */
export function epochSuffix(): string {
  return randomId(3);
}

/** The epoch of a position. */
export function epochOf(position: LogPosition): string {
  return position.slice(0, position.indexOf('-'));
}

/** The most channels that one subscription can have: their cursor travels in a request header. */
export const MAX_TOPICS = 100;

/** The longest cursor that is looked at, in characters. */
export const MAX_CURSOR_LENGTH = 4096;

const MAX_NAME_BYTES = 256;
const TAG_LENGTH = 6;

/**
 * The key of a channel.
 *
 * @throws {SseError} `SSE_INVALID_CHANNEL` for a name that is no string, empty, over 256 bytes of UTF-8, or has control
 * characters or lone surrogates.
 */
export function channelKey(name: string): ChannelKey {
  const problem = nameProblem(name);
  if (problem !== undefined) {
    throw new SseError('SSE_INVALID_CHANNEL', `The channel name ${quoted(name)} ${problem}.`, {
      remedy: `A name is 1 to ${MAX_NAME_BYTES} bytes of text without control characters.`,
      context: { channel: name },
    });
  }
  return { name, tag: tagOf(name) };
}

function nameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string') return 'is not a string';
  if (name === '') return 'is empty';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return 'is too long';
  if (/[\p{Cc}\p{Surrogate}]/u.test(name)) return 'has control characters or lone surrogates';
  return undefined;
}

// FNV-1a with a final mix, in base 36. It tells channels apart by accident, not against an attacker: a cursor grants
// nothing, it only says how much of a channel that was opened anyway is known already.
function tagOf(name: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0).toString(36).padStart(TAG_LENGTH, '0').slice(-TAG_LENGTH);
}

/**
 * The cursor that stands for a position in each of some channels: `tag~epoch-offset`, joined by dots, an epoch that is
 * that of the part before left out. Channels without a position are left out as well.
 */
export function formatCursor(
  keys: readonly ChannelKey[],
  positions: readonly (LogPosition | undefined)[],
): string {
  let cursor = '';
  let last = '';
  for (const [i, key] of keys.entries()) {
    const position = positions[i];
    if (!position) continue;
    const epoch = epochOf(position);
    const part = epoch === last ? position.slice(epoch.length) : position;
    last = epoch;
    cursor += `${cursor === '' ? '' : '.'}${key.tag}~${part}`;
  }
  return cursor;
}

const PART = '[0-9a-z]{6}~[0-9a-z]{0,16}-[0-9a-z_]{1,32}';
const CURSOR = new RegExp(`^${PART}(?:\\.${PART})*$`);

/** Whether a text has the form of the cursors made here. */
export function isCursor(text: string): boolean {
  return text.length <= MAX_CURSOR_LENGTH && CURSOR.test(text);
}

/** The positions in a cursor, by the tags of their channels; `undefined` if it was not made here. */
export function parseCursor(text: string): ReadonlyMap<string, LogPosition> | undefined {
  if (!isCursor(text)) return undefined;
  const positions = new Map<string, LogPosition>();
  let epoch = '';
  for (const part of text.split('.')) {
    const dash = part.indexOf('-');
    epoch = part.slice(TAG_LENGTH + 1, dash) || epoch;
    positions.set(part.slice(0, TAG_LENGTH), `${epoch}${part.slice(dash)}`);
  }
  return positions;
}
