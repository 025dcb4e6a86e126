import { SseError, quoted } from '../errors/sse.errors.js';
import { ask } from './ask.js';
import {
  MAX_CURSOR_LENGTH,
  isCursor,
  parseCursor,
  type ChannelKey,
  type LogPosition,
  type FeedPosition,
} from '../log/cursor.js';
import type { Awaitable, EventLog } from '../log/event-log.js';

/** The start of a subscription. */
export interface StartOptions {
  /** The id of the last known event. The events after it follow. Without an id, it is `undefined` or `''`. */
  after?: string | undefined;
  /** The start without `after`: new events only, or the oldest event that is kept. @default 'now' */
  from?: 'now' | 'oldest' | undefined;
}

/** The empty string is never a position. Reading after it is a gap. */
export const UNKNOWN: LogPosition = '';

/**
 * Rejects text that cannot be an id of these channels.
 *
 * @throws {SseError} `SSE_INVALID_CURSOR` for the cursor of another channel, for more than 4096 characters, and for text
 * that is not printable ASCII.
 */
export function checkAfter(keys: readonly ChannelKey[], after: unknown): void {
  checkIdText(after);
  const positions = after === undefined ? undefined : parseCursor(after);
  if (positions && !keys.some(({ tag }) => positions.has(tag))) {
    const names = keys.map(({ name }) => quoted(name)).join(', ');
    throw refused(after, `does not belong to ${names}`);
  }
}

/**
 * Rejects a value that cannot be an id of any channel.
 *
 * @throws {SseError} `SSE_INVALID_CURSOR`
 */
export function checkIdText(after: unknown): asserts after is string | undefined {
  if (after === undefined) return;
  if (typeof after !== 'string') throw refused(after, 'is not a string');
  if (after.length > MAX_CURSOR_LENGTH) throw refused(after, 'is too long');
  if (!/^[ -~]*$/.test(after)) throw refused(after, 'is not printable ASCII');
}

/** The position of a start that was checked. Rejects, but never throws. */
export function startPosition(
  log: EventLog,
  keys: readonly ChannelKey[],
  { after, from }: StartOptions,
): Awaitable<FeedPosition> {
  if (after && !isCursor(after)) return all(keys.map(({ name }) => located(log, name, after, keys.length)));
  const known = after ? parseCursor(after) : undefined;
  return all(
    keys.map(
      ({ name, tag }) => known?.get(tag) ?? (from === 'oldest' ? undefined : ask(() => log.tail(name))),
    ),
  );
}

// In a subscription to several channels, no event is sent with its own id.
function located(log: EventLog, name: string, id: string, channels: number): Awaitable<LogPosition> {
  const found = channels === 1 ? ask(() => log.locate(name, id)) : undefined;
  return found instanceof Promise ? found.then((position) => position ?? UNKNOWN) : (found ?? UNKNOWN);
}

function all(positions: readonly Awaitable<LogPosition | undefined>[]): Awaitable<FeedPosition> {
  const waits = positions.some((position) => position instanceof Promise);
  return waits ? Promise.all(positions) : (positions as FeedPosition);
}

function refused(after: unknown, problem: string): SseError {
  return new SseError('SSE_INVALID_CURSOR', `The cursor ${quoted(after)} ${problem}.`, {
    remedy: 'Pass the unchanged id of an event of this channel, or undefined to start without one.',
    context: { after: typeof after === 'string' ? after.slice(0, MAX_CURSOR_LENGTH) : after },
  });
}
