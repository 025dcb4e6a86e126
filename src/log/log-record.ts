import { SseEvent, isSseEvent } from '../events/sse-event.js';
import type { Serialize } from '../events/to-event.js';
import { SseError, quoted } from '../errors/sse.errors.js';
import { encodeEvent } from '../wire/encode-event.js';
import { END_OF_STREAM_ID } from '../wire/end-of-stream.js';
import { isCursor } from './cursor.js';
import { idLineIndex } from './raw-id.js';

/** A published event as a log stores it: encoded once, as text and numbers. */
export interface LogRecord {
  /** The event in the event stream format, without an `id` line. */
  readonly frame: string;
  /** The index in `frame` at which the `id` line belongs; -1 if the event cannot have one, such as a comment. */
  readonly idAt: number;
  /** Bytes of `frame` in UTF-8. The limits of a log count them. */
  readonly bytes: number;
  /** The own id that the publisher has set. */
  readonly id: string | undefined;
  readonly type: string | undefined;
  /** The kind of data in `frame`. `raw` text is not parsed. */
  readonly payload: 'json' | 'text' | 'none' | 'raw';
}

const MAX_ID_LENGTH = 256;

/**
 * The record of a published value: an event keeps its fields, any other value becomes the data. An event that was received
 * from a subscription gets a new id instead of its cursor.
 *
 * @throws {SseError} `SSE_NOT_SERIALIZABLE`, `SSE_INVALID_RAW` for raw text with an `id` line, or `SSE_INVALID_FIELD` for an id
 * that is not valid in a channel.
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
  if (value === undefined) throw nothingToPublish('undefined');
  return new SseEvent(undefined, undefined, undefined, undefined, value);
}

function nothingToPublish(what: string): SseError {
  return new SseError('SSE_NOT_SERIALIZABLE', `${what} was published.`, {
    remedy: 'Publish a value (null is one), or event({ data }) with the fields that you need.',
  });
}

function fromEvent(event: SseEvent, id: string | undefined, serialize: Serialize | undefined): LogRecord {
  const { type, retry, comment, data } = event;
  if (data === undefined && id === undefined) {
    const frame = encodeEvent(new SseEvent(type, undefined, retry, comment, undefined), serialize);
    if (frame === '') throw nothingToPublish('An event without fields');
    return record(frame, -1, undefined, type, 'none');
  }
  // Encoded with a placeholder id, the frame shows where its `id` line belongs: only a comment and the type come before it.
  const frame = encodeEvent(new SseEvent(type, '0', retry, comment, data), serialize);
  const idAt = frame.startsWith(PLACEHOLDER) ? 0 : frame.indexOf(`\n${PLACEHOLDER}`) + 1;
  const payload = data === undefined ? 'none' : typeof data === 'string' ? 'text' : 'json';
  return record(frame.slice(0, idAt) + frame.slice(idAt + PLACEHOLDER.length), idAt, id, type, payload);
}

const PLACEHOLDER = 'id: 0\n';

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
    remedy: `${problem} Leave the id out, and the channel assigns one.`,
    context: { field: 'id', value: id },
  });
}

function ownIdProblem(id: string): string | undefined {
  if (id === '') return 'An empty id resets the last event ID of clients.';
  if (id === END_OF_STREAM_ID) return 'This id tells clients that the stream has ended.';
  if (id.length > MAX_ID_LENGTH) return `It has more than ${MAX_ID_LENGTH} characters.`;
  if (isCursor(id)) return 'It has the form of a cursor.';
  return undefined;
}
