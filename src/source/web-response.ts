import { SseError } from '../errors/sse.errors.js';
import type { ResponseHead } from './source.js';
import { isWebStream, type ReadableLike, type WebStreamLike } from './streams.js';

/** The part of a web `Response` that we use, of whichever implementation of `fetch`. */
export interface WebResponseLike extends ResponseHead {
  readonly body: WebStreamLike | ReadableLike | null;
  readonly bodyUsed: boolean;
}

/** Whether a value is a web `Response`. By its tag: one of another realm or package has another class. */
export function isWebResponse(value: unknown): value is WebResponseLike {
  return Object.prototype.toString.call(value) === '[object Response]';
}

/** Statuses without a body (Fetch standard, "null body status"). */
const WITHOUT_BODY = new Set([204, 205, 304]);

/** The body of a response, if it has one. */
export function bodyOfResponse({ status, body }: WebResponseLike): WebStreamLike | ReadableLike | undefined {
  return body && !WITHOUT_BODY.has(status) ? body : undefined;
}

/** Whether the body of a response is an event stream. */
export function isEventStream(response: WebResponseLike): boolean {
  const type = response.headers.get('content-type') ?? '';
  return bodyOfResponse(response) !== undefined && /^\s*text\/event-stream\s*(?:;|$)/i.test(type);
}

/**
 * Makes sure that a response can be sent.
 *
 * @throws {SseError} `SSE_NOT_STREAMABLE` if its body was read or is being read, or if it is `Response.error()`.
 */
export function checkSendable(response: WebResponseLike): void {
  const { status, body } = response;
  const locked = body !== null && 'locked' in body && body.locked === true;
  if (response.bodyUsed || locked) {
    throw notSendable(
      response,
      'whose body something has begun to read',
      'Return it before anything reads it, or return a clone() that was made before.',
    );
  }
  if (!(status >= 200 && status <= 599)) {
    throw notSendable(
      response,
      `with the status ${status}`,
      'Response.error() and opaque responses have no status to send: throw an exception instead.',
    );
  }
}

/** Releases the body of a response that will not be sent. */
export function discardResponse({ body }: WebResponseLike): void {
  if (!body) return;
  // A locked body belongs to its reader, and cancel() rejects.
  if (isWebStream(body)) return void body.cancel().catch(() => undefined);
  body.on('error', () => undefined);
  body.destroy();
}

function notSendable(response: WebResponseLike, what: string, remedy: string): SseError {
  return new SseError('SSE_NOT_STREAMABLE', `An @Sse() handler returned a Response ${what}.`, {
    remedy,
    context: { status: response.status },
  });
}
