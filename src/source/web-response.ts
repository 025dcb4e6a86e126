import { SseError } from '../errors/sse.errors.js';
import type { ResponseHead } from './source.js';
import { isWebStream, type ReadableLike, type WebStreamLike } from './streams.js';

/** The part of a web `Response` that we use. There are several implementations of `fetch`. */
export interface WebResponseLike extends ResponseHead {
  readonly body: WebStreamLike | ReadableLike | null;
  readonly bodyUsed: boolean;
}

/** True if a value is a web `Response`. Not by `instanceof`: responses of other realms and packages have another class. */
export function isWebResponse(value: unknown): value is WebResponseLike {
  return Object.prototype.toString.call(value) === '[object Response]';
}

/** Statuses without a body (Fetch standard, "null body status"). */
const WITHOUT_BODY = new Set([204, 205, 304]);

/** The body of a response, if it has one. */
export function bodyOfResponse({ status, body }: WebResponseLike): WebStreamLike | ReadableLike | undefined {
  return body && !WITHOUT_BODY.has(status) ? body : undefined;
}

/** True if the body of a response is an event stream. */
export function isEventStream(response: WebResponseLike): boolean {
  const type = response.headers.get('content-type') ?? '';
  return bodyOfResponse(response) !== undefined && /^\s*text\/event-stream\s*(?:;|$)/i.test(type);
}

/**
 * Checks that a response can be sent.
 *
 * @throws {SseError} `SSE_NOT_STREAMABLE` if its body was read or is being read, or if it is `Response.error()`.
 */
export function checkSendable(response: WebResponseLike): void {
  const { status, body } = response;
  const locked = body !== null && 'locked' in body && body.locked === true;
  if (response.bodyUsed || locked) {
    throw notSendable(
      response,
      'whose body was already read',
      'Return it before its body is read, or return a clone() that was made before that.',
    );
  }
  if (!(status >= 200 && status <= 599)) {
    throw notSendable(
      response,
      `with the status ${status}`,
      'Response.error() and opaque responses have no status that could be sent. Throw an exception instead.',
    );
  }
}

/** Releases the body of a response that will not be sent. */
export function discardResponse({ body }: WebResponseLike): void {
  if (!body) return;
  // cancel() rejects if the body is locked. Then it belongs to its reader.
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
