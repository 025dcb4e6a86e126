import { randomId } from '../random-id.js';
import { SseError, quoted } from '../errors/sse.errors.js';

/**
 * A place between two entries of one channel: after the entry that has this position, and before the next one. Only the log
 * makes and parses positions. Cursors contain them, so they must have the form `<epoch>-<offset>`, with an epoch
 * `[0-9a-z]{1,16}` and an offset `[0-9a-z_]{1,32}`.
 *
 * Positions of one channel, compared as text, are in the order of the log. A log begins a new epoch whenever it might assign
 * an offset twice, for example after a restart without data or a flush. A later epoch sorts after an earlier one.
 */
export type LogPosition = string;

/** One position for each channel of a subscription; `undefined` means before the oldest entry. Immutable, often shared. */
export type FeedPosition = readonly (LogPosition | undefined)[];

/** The name of a channel, and its short form in cursors. */
export interface ChannelKey {
  readonly name: string;
  /** A hash of the name. It shows whether a cursor belongs to this channel. */
  readonly tag: string;
}

/**
 * Formats a whole number as text that sorts like the number: one character for the number of digits, then the digits in base
 * 36. `35` is `1z`, `36` is `210`.
 *
 * Plain base 36 does not sort: `z` (35) comes after `10` (36). A fixed width would sort, but needs 11 digits for a number up
 * to 2^53, and a cursor of 100 channels carries 200 numbers in one request header. Most positions have small numbers, which
 * stay short in this form.
 */
export function sortableNumber(number: number): string {
  const digits = number.toString(36);
  return digits.length.toString(36) + digits;
}

/** Parses the result of {@link sortableNumber}; `undefined` for any other text, so that a number has only one spelling. */
export function parseSortableNumber(text: string): number | undefined {
  const number = Number.parseInt(text.slice(1), 36);
  return Number.isSafeInteger(number) && sortableNumber(number) === text ? number : undefined;
}

/**
 * The name of an epoch that begins now. It starts with the time in microseconds, so that it sorts after earlier epochs. The
 * random end distinguishes two histories that began in the same microsecond.
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

/** The maximum number of channels of one subscription. Their cursor has to fit into a request header. */
export const MAX_TOPICS = 100;

/** The maximum length of a cursor in characters. Longer ones are not parsed. */
export const MAX_CURSOR_LENGTH = 4096;

const MAX_NAME_BYTES = 256;
const TAG_LENGTH = 6;

/**
 * The key of a channel.
 *
 * @throws {SseError} `SSE_INVALID_CHANNEL` for a name that is not a string, is empty, has more than 256 bytes of UTF-8, or
 * has control characters or lone surrogates.
 */
export function channelKey(name: string): ChannelKey {
  const problem = nameProblem(name);
  if (problem !== undefined) {
    throw new SseError('SSE_INVALID_CHANNEL', `The channel name ${quoted(name)} ${problem}.`, {
      remedy: `Use 1 to ${MAX_NAME_BYTES} bytes of text without control characters.`,
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

// FNV-1a with a final mix, in base 36. It need not resist an attacker: a cursor grants no access. It only says which events of
// a channel that the handler has opened are already known.
function tagOf(name: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0).toString(36).padStart(TAG_LENGTH, '0').slice(-TAG_LENGTH);
}

/**
 * Formats a cursor: one part `tag~epoch-offset` for each channel, joined by dots. The epoch is left out if it is the same as in
 * the part before. Channels without a position are left out.
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

/** True if a text has the form of a cursor. */
export function isCursor(text: string): boolean {
  return text.length <= MAX_CURSOR_LENGTH && CURSOR.test(text);
}

/** The positions in a cursor, by the tags of their channels; `undefined` if the text is not a cursor. */
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
