import { watchRejection } from '../errors/guard.js';
import { attempt } from '../errors/legible.js';
import { SseError, quoted } from '../errors/sse.errors.js';
import { rejectUnwritable } from './unwritable.js';
import { EVENT_FIELDS, SseEvent, event, isSseEvent } from './sse-event.js';

/** Writes a payload that is not a string as text. `undefined` means that the value cannot be written. */
export type Serialize = (value: unknown) => string | undefined;

/**
 * How the values of a stream are read. `'events'` reads plain objects with an own `data`, `comment` or `retry` as
 * MessageEvents, as Nest does. `'data'` reads every value as a payload.
 */
export type Emits = 'events' | 'data';

/**
 * Makes an event, whose `data` is text, of one value of a handler. Returns `undefined` for `undefined`.
 *
 * @throws {SseError} `SSE_NOT_SERIALIZABLE`, or `SSE_INVALID_FIELD` for a MessageEvent with an illegal field.
 */
export function toEvent(value: unknown, emits: Emits, serialize: Serialize): SseEvent | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return new SseEvent(undefined, undefined, undefined, undefined, value);
  if (typeof value === 'object' && value !== null) {
    if (isSseEvent(value)) return withText(value, serialize);
    if (emits === 'events' && isMessageEvent(value)) return fromMessageEvent(value, serialize);
  }
  return new SseEvent(undefined, undefined, undefined, undefined, toText(value, serialize));
}

/**
 * Returns a payload as text.
 *
 * @throws {SseError} `SSE_NOT_SERIALIZABLE` for a value that JSON cannot express: a stream, a promise, bytes.
 */
export function toText(data: unknown, serialize: Serialize): string {
  if (typeof data === 'string') return data;
  if (typeof data === 'object' && data !== null) rejectUnwritable(data, serialize !== JSON.stringify);
  let text: string | undefined;
  try {
    text = serialize(data);
  } catch (cause) {
    throw notSerializable(data, cause);
  }
  if (typeof text === 'string') return text;
  // A rejection of an async `serialize` must not end the process.
  watchRejection(text, () => undefined);
  throw notSerializable(data);
}

function withText(given: SseEvent, serialize: Serialize): SseEvent {
  const { data, raw } = given;
  if (data === undefined || typeof data === 'string' || raw !== undefined) return given;
  return new SseEvent(given.type, given.id, given.retry, given.comment, toText(data, serialize));
}

function fromMessageEvent(message: object, serialize: Serialize): SseEvent | undefined {
  const made = event(message);
  const says =
    made.data !== undefined ||
    made.id !== undefined ||
    made.retry !== undefined ||
    made.comment !== undefined;
  return says ? withText(made, serialize) : undefined;
}

/** Returns whether a value is a plain object with the fields of a MessageEvent and no others, as Nest reads it. */
export function isMessageEvent(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  let speaks = false;
  // for…in visits own keys only, as the prototype is Object's or none and has no enumerable ones of its own.
  for (const key in value) {
    if (!EVENT_FIELDS.has(key)) return false;
    speaks ||= key === 'data' || key === 'comment' || key === 'retry';
  }
  return speaks;
}

function notSerializable(value: unknown, cause?: unknown): SseError {
  const why = attempt(() => (cause instanceof Error ? ` (${cause.message.split('\n', 1)[0]})` : ''), '');
  return new SseError('SSE_NOT_SERIALIZABLE', `The value ${quoted(value)} cannot be written as JSON${why}.`, {
    remedy: 'Yield plain data, give the value a toJSON(), or set the route option "serialize".',
    context: { value },
    cause,
  });
}
