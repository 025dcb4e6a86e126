import { SseEvent, isSseEvent } from '../events/sse-event.js';
import type { Serialize } from '../events/to-event.js';
import { SseError, quoted } from '../errors/sse.errors.js';
import { encodeEvent } from '../wire/encode-event.js';
import { END_OF_STREAM_ID } from '../wire/end-of-stream.js';
import { isCursor } from './cursor.js';
import { idLineIndex } from './raw-id.js';

/** A published event as a log keeps it: encoded once, nothing but text and numbers. */
export interface LogRecord {
  /** The event in the event stream format, without an `id` line. */
  readonly frame: string;
  /** Where in `frame` the `id` line belongs; -1 if it can have none, such as a comment. */
  readonly idAt: number;
  /** Bytes of `frame` in UTF-8: what a log's limits count. */
  readonly bytes: number;
  /** The publisher's own id. */
  readonly id: string | undefined;
  readonly type: string | undefined;
  /** What the data in `frame` is; `raw` text is not looked into. */
  readonly payload: 'json' | 'text' | 'none' | 'raw';
}

const MAX_ID_LENGTH = 256;

/**
 * What was published as a record: an event as it is, any other value as a payload. An event that came from a
 * subscription leaves its cursor behind.
 *
 * @throws {SseError} `SSE_NOT_SERIALIZABLE`, `SSE_INVALID_RAW` for raw text with an id of its own, or
 * `SSE_INVALID_FIELD` for an id that a channel cannot have.
 */
export function toRecord(value: unknown, serialize: Serialize | undefined): LogRecord {
  if (!isSseEvent(value)) return fromEvent(payloadEvent(value), undefined, serialize);
  const { raw, id, data, comment, retry } = value;
  if (raw === undefined) return fromEvent(value, checkedOwnId(id), serialize);
  const cursor = id !== undefined && isCursor(id);
  if (cursor && data === undefined) return rawRecord(raw.replace(`id: ${id}\n`, ''));
  if ((id ?? data ?? comment ?? retry) === undefined) return rawRecord(raw);
  return fromEvent(value, cursor ? undefined : id, serialize);
}

function rawRecord(text: string): LogRecord {
  return record(text, idLineIndex(text), undefined, undefined, 'raw');
}

function payloadEvent(value: unknown): SseEvent {
  if (value === undefined) throw nothing('undefined');
  return new SseEvent(undefined, undefined, undefined, undefined, value);
}

function nothing(what: string): SseError {
  return new SseError('SSE_NOT_SERIALIZABLE', `${what} was published.`, {
    remedy: 'Publish a value, or event({ data }) with the fields you need; null is a value.',
  });
}

function fromEvent(event: SseEvent, id: string | undefined, serialize: Serialize | undefined): LogRecord {
  const { type, retry, comment, data } = event;
  if (data === undefined && id === undefined) {
    const frame = encodeEvent(new SseEvent(type, undefined, retry, comment, undefined), serialize);
    if (frame === '') throw nothing('An event without fields');
    return record(frame, -1, undefined, type, 'none');
  }
  // Encoded with a stand-in, the frame shows where its id belongs: only a comment and the type come before it.
  const frame = encodeEvent(new SseEvent(type, '0', retry, comment, data), serialize);
  const idAt = frame.startsWith(STAND_IN) ? 0 : frame.indexOf(`\n${STAND_IN}`) + 1;
  const payload = data === undefined ? 'none' : typeof data === 'string' ? 'text' : 'json';
  return record(frame.slice(0, idAt) + frame.slice(idAt + STAND_IN.length), idAt, id, type, payload);
}

const STAND_IN = 'id: 0\n';

function record(
  frame: string,
  idAt: number,
  id: string | undefined,
  type: string | undefined,
  payload: LogRecord['payload'],
): LogRecord {
  return { frame, idAt, bytes: Buffer.byteLength(frame), id, type, payload };
}

function checkedOwnId(id: string | undefined): string | undefined {
  if (id === undefined) return undefined;
  const problem = ownIdProblem(id);
  if (problem === undefined) return id;
  throw new SseError('SSE_INVALID_FIELD', `An event with the id ${quoted(id)} cannot be published.`, {
    remedy: `${problem} Leave the id out and the channel gives one.`,
    context: { field: 'id', value: id },
  });
}

function ownIdProblem(id: string): string | undefined {
  if (id === '') return 'It would make clients forget where they are.';
  if (id === END_OF_STREAM_ID) return 'It tells clients that the stream has ended.';
  if (id.length > MAX_ID_LENGTH) return `It has more than ${MAX_ID_LENGTH} characters.`;
  if (isCursor(id)) return 'It has the form of a cursor.';
  return undefined;
}
