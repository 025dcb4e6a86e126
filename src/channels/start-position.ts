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

/** Where a subscription starts. */
export interface StartOptions {
  /** The id of the last event that is known already: what follows it comes. `undefined` and `''` are none. */
  after?: string | undefined;
  /** What comes if `after` is none: events from now on, or all that are kept. @default 'now' */
  from?: 'now' | 'oldest' | undefined;
}

/** The empty string is never a position: reading after it is a gap. */
const UNKNOWN: LogPosition = '';

/**
 * Refuses what cannot be an id of these channels.
 *
 * @throws {SseError} `SSE_INVALID_CURSOR` for the cursor of another channel, for more than 4096 characters, and for text
 * that is not printable ASCII.
 */
export function checkAfter(keys: readonly ChannelKey[], after: unknown): void {
  if (after === undefined || after === '') return;
  if (typeof after !== 'string') throw refused(after, 'is not a string');
  if (after.length > MAX_CURSOR_LENGTH) throw refused(after, 'is too long');
  if (!/^[ -~]*$/.test(after)) throw refused(after, 'is not printable ASCII');
  const positions = parseCursor(after);
  if (positions && !keys.some(({ tag }) => positions.has(tag))) {
    const names = keys.map(({ name }) => quoted(name)).join(', ');
    throw refused(after, `was made by another channel than ${names}`);
  }
}

/** The position that a checked start stands for, as soon as the log knows. Rejects, never throws. */
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

// With several channels no event has gone out under its own id.
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
    remedy: 'Pass the id of an event of this channel as it was received, or none to start afresh.',
    context: { after: typeof after === 'string' ? after.slice(0, MAX_CURSOR_LENGTH) : after },
  });
}
