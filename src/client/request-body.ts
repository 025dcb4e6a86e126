import { SseError, quoted } from '../errors/sse.errors.js';
import type { ConnectOptions } from './client.options.js';

/** A body that can be sent with each attempt. */
export interface EncodedBody {
  body: NonNullable<RequestInit['body']> | undefined;
  /** Whether it was made here, so that nothing else says what it is. */
  json: boolean;
}

/** What `fetch` sends as it is, by the name each has in every realm. */
const SENT_AS_IS: ReadonlySet<string> = new Set([
  '[object ArrayBuffer]',
  '[object Blob]',
  '[object File]',
  '[object FormData]',
  '[object URLSearchParams]',
]);

/**
 * Text, bytes and forms as they are, any other object as JSON of this moment.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for a stream, `SSE_NOT_SERIALIZABLE` for what JSON cannot express.
 */
export function encodeBody(body: ConnectOptions['body']): EncodedBody {
  if (body === undefined || body === null) return { body: undefined, json: false };
  const tag = Object.prototype.toString.call(body);
  if (tag === '[object ReadableStream]' || (Symbol.asyncIterator in Object(body) && !isSentAsIs(body, tag))) {
    throw new SseError('SSE_INVALID_OPTIONS', `body ${quoted(body)} is a stream.`, {
      remedy: 'It could not be sent a second time: give text, bytes, a form, or an object for JSON.',
      context: { option: 'body' },
    });
  }
  if (isSentAsIs(body, tag)) return { body: body as NonNullable<RequestInit['body']>, json: false };
  return { body: toJson(body), json: true };
}

function isSentAsIs(body: unknown, tag: string): boolean {
  return typeof body === 'string' || SENT_AS_IS.has(tag) || ArrayBuffer.isView(body);
}

function toJson(value: unknown): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    cause = error;
  }
  if (text !== undefined) return text;
  throw new SseError('SSE_NOT_SERIALIZABLE', `body ${quoted(value)} cannot be written as JSON.`, {
    remedy: 'Give a value without cycles, BigInts and functions, or text of your own.',
    context: { option: 'body' },
    cause,
  });
}
