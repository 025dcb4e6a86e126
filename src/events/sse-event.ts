import { SseError, quoted } from '../errors/sse.errors.js';

/** The fields of an event, as given to {@link event}. */
export interface EventInit<Type extends string | undefined = string | undefined, Data = unknown> {
  /** The name that a client listens for (`event:` on the wire). Without one, clients call the event `message`. @default none */
  type?: Type | undefined;
  /** The same as `type`, with its name on the wire. */
  event?: Type | undefined;
  /** The last event ID of the client from this event on: printable ASCII without a space at either end. */
  id?: string | number | undefined;
  /** The reconnection time in milliseconds, a non-negative integer. */
  retry?: number | undefined;
  /** Text before the event that clients skip. */
  comment?: string | undefined;
  /** The payload. A string is sent unchanged, any other value as JSON or by the `serialize` of the route. */
  data?: Data;
}

const BRAND = Symbol.for('nestjs-event-stream:event');

/**
 * One event. It is immutable, and its fields are valid. The functions {@link event}, {@link comment}, {@link retryAfter} and
 * {@link raw} make events. The format stage of a route makes one of every other value.
 */
export class SseEvent<Type extends string | undefined = string | undefined, Data = unknown> {
  /**
   * @internal Exists only as a type. It has a name, because a `unique symbol` of the ES module differs from that of the
   * CommonJS copy, and a contract and a handler can use different copies. At run time a symbol marks events. JSON cannot
   * contain a symbol.
   */
  declare readonly '~event': true;
  /** Blocks that are sent unchanged. The other fields are then empty. */
  declare readonly raw?: string;

  /** @internal The caller checks the fields. */
  constructor(
    readonly type: Type,
    readonly id: string | undefined,
    readonly retry: number | undefined,
    readonly comment: string | undefined,
    readonly data: Data,
    raw?: string,
  ) {
    // Not enumerable, so that a class serializer does not copy it: its copy then still reads as a MessageEvent.
    if (raw !== undefined) Object.defineProperty(this, 'raw', { value: raw });
  }
}
Object.defineProperty(SseEvent.prototype, BRAND, { value: true });

/** Returns whether a value is an {@link SseEvent} of this copy of the package or another one. */
export function isSseEvent(value: unknown): value is SseEvent {
  return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true;
}

/**
 * Makes an event with the given fields.
 *
 * @throws {SseError} `SSE_INVALID_FIELD` where the format cannot carry a field: CR or LF in `type`, an `id` that is
 * not printable ASCII, a `retry` that is not a non-negative integer, a `type` without data, an unknown field.
 * @example
 * yield event({ type: 'progress', id: 7, data: { pct: 70 } });
 */
export function event<const Type extends string | undefined = undefined, Data = undefined>(
  init: EventInit<Type, Data>,
): SseEvent<Type, Data>;
export function event(init: EventInit): SseEvent {
  if (typeof init !== 'object' || init === null) throw noFields(init);
  for (const key of Object.keys(init)) if (!EVENT_FIELDS.has(key)) throw unknownField(key);
  const type = checkedType(init);
  if (type !== undefined && init.data === undefined) {
    throw new SseError('SSE_INVALID_FIELD', `An event of type ${quoted(type)} has no data.`, {
      remedy:
        'Clients drop an event without data: give it some (an empty string will do), or leave the type out.',
      context: { field: 'data', type },
    });
  }
  return Object.freeze(
    new SseEvent(type, checkedId(init.id), checkedRetry(init.retry), checkedComment(init.comment), init.data),
  );
}

/** Makes a comment: text that clients skip, for people who read the stream. It has one `: ` line for each line of text. */
export function comment(text: string): SseEvent<undefined, undefined> {
  if (typeof text !== 'string') throw refused('comment', text, NO_STRING);
  return Object.freeze(new SseEvent(undefined, undefined, undefined, text, undefined));
}

/**
 * Sets the time that a client waits before it reconnects, in milliseconds.
 *
 * @throws {SseError} `SSE_INVALID_FIELD` if `ms` is not a non-negative integer.
 */
export function retryAfter(ms: number): SseEvent<undefined, undefined> {
  return Object.freeze(new SseEvent(undefined, undefined, requiredRetry(ms), undefined, undefined));
}

/** The fields of a MessageEvent; an object with any other key is a payload. */
export const EVENT_FIELDS: ReadonlySet<string> = new Set(['data', 'id', 'type', 'event', 'retry', 'comment']);

function noFields(given: unknown): SseError {
  return new SseError('SSE_INVALID_FIELD', `event() was given ${quoted(given)}.`, {
    remedy: 'Give it the fields of the event as one object: event({ type, data }).',
  });
}

function checkedType({ type, event: alias }: EventInit): string | undefined {
  if (given(type) && given(alias) && type !== alias) {
    throw new SseError('SSE_INVALID_FIELD', `"type" is ${quoted(type)} and "event" is ${quoted(alias)}.`, {
      remedy: 'They are two names of one field: give one of them.',
      context: { field: 'type', value: type },
    });
  }
  const value = type ?? alias;
  if (!given(value) || value === '') return undefined;
  if (typeof value !== 'string' || /[\r\n]/.test(value)) {
    throw refused(
      'type',
      value,
      'It must be a string on one line: take the line breaks out, or put the text in "data".',
    );
  }
  return value;
}

/**
 * Returns an id as text. An empty one resets the client's last event ID (WHATWG HTML, 9.2.6).
 *
 * @throws {SseError} `SSE_INVALID_FIELD` if it is not printable ASCII, or has a space at either end.
 */
export function checkedId(id: unknown): string | undefined {
  if (!given(id)) return undefined;
  const value = Number.isSafeInteger(id) ? String(id) : id;
  if (typeof value !== 'string' || !/^(?:[!-~](?:[ -~]*[!-~])?)?$/.test(value)) {
    throw refused(
      'id',
      id,
      'Clients return it in the Last-Event-ID header, so it must be printable ASCII without a space at either end. Encode it, for example with encodeURIComponent().',
    );
  }
  return value;
}

function checkedRetry(retry: unknown): number | undefined {
  return given(retry) ? requiredRetry(retry) : undefined;
}

function requiredRetry(retry: unknown): number {
  if (!Number.isSafeInteger(retry) || (retry as number) < 0) {
    throw refused('retry', retry, 'It must be a whole number of milliseconds, 0 or more.');
  }
  return retry as number;
}

function checkedComment(text: unknown): string | undefined {
  if (!given(text)) return undefined;
  if (typeof text !== 'string') throw refused('comment', text, NO_STRING);
  return text;
}

const NO_STRING = 'It must be a string.';

/** A field of `null`, for example from a database, counts as missing. For `data`, `null` is a value. */
function given(field: unknown): boolean {
  return field !== undefined && field !== null;
}

function refused(field: string, value: unknown, remedy: string): SseError {
  return new SseError('SSE_INVALID_FIELD', `The event field "${field}" cannot be ${quoted(value)}.`, {
    remedy,
    context: { field, value },
  });
}

function unknownField(key: string): SseError {
  return new SseError('SSE_INVALID_FIELD', `An event has no field ${quoted(key)}.`, {
    remedy: `Its fields are ${[...EVENT_FIELDS].join(', ')}; put everything else in "data".`,
    context: { field: key },
  });
}
