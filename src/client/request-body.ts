import { SseError, quoted, tagOf, type SseErrorCode } from '../errors/sse.errors.js';
import type { RequestOptions } from './client.options.js';

/** A body that can be sent with each attempt. */
export interface EncodedBody {
  body: NonNullable<RequestInit['body']> | undefined;
  /** True if it was encoded here, so that it needs a `Content-Type`. */
  json: boolean;
}

/** Objects that `fetch` sends as they are, by their tags, which are the same in every realm. */
const SENT_AS_IS = /^\[object (?:ArrayBuffer|Blob|File|FormData|URLSearchParams)\]$/;

/**
 * Encodes the body once, for all attempts: text, bytes and forms as they are, any other object as JSON.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for a stream, `SSE_NOT_SERIALIZABLE` if JSON cannot express the body.
 */
export function encodeBody(body: RequestOptions['body']): EncodedBody {
  if (body === undefined || body === null) return { body: undefined, json: false };
  const tag = tagOf(body);
  if (typeof body === 'string' || ArrayBuffer.isView(body) || SENT_AS_IS.test(tag)) {
    return { body: body as NonNullable<RequestInit['body']>, json: false };
  }
  if (tag === '[object ReadableStream]' || Symbol.asyncIterator in Object(body)) {
    throw rejected('SSE_INVALID_OPTIONS', body, 'is a stream, which cannot be sent again after a failure');
  }
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(body);
  } catch (error) {
    cause = error;
  }
  if (text === undefined) throw rejected('SSE_NOT_SERIALIZABLE', body, 'cannot be written as JSON', cause);
  return { body: text, json: true };
}

function rejected(code: SseErrorCode, body: unknown, what: string, cause?: unknown): SseError {
  return new SseError(code, `connect(): The body ${quoted(body)} ${what}.`, {
    remedy: 'Use text, bytes, a form, or an object for JSON.',
    context: { option: 'body' },
    cause,
  });
}
