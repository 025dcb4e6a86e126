import { HttpException } from '@nestjs/common';
import { HTTP_ANSWERS, titleOf } from './http-status.js';
import { attempt, isLegible } from './legible.js';
import { SseError, isSseError, quoted } from './sse.errors.js';
import { isException, publicErrorOf } from './public-error.js';

/** The `SseError` behind an HTTP error of 500 or above, which Nest does not log; `undefined` for any other error. */
export function unloggedCause(error: unknown): unknown {
  if (publicErrorOf(error).status < 500) return undefined;
  const cause = attempt(() => (error instanceof HttpException ? error.cause : undefined), undefined);
  return isSseError(cause) ? cause : undefined;
}

/**
 * The HTTP error for an `SseError`. Any other error is returned unchanged. With `publishing`, for ordinary routes, the request
 * is responsible for a rejected event.
 */
export function toHttpError(error: unknown, publishing = false): unknown {
  if (!isSseError(error) || isException(error)) return error;
  const answer = HTTP_ANSWERS[error.code];
  if (!answer || (answer.ofPublisher && !publishing)) return error;
  const { status, message } = answer;
  return new HttpException({ statusCode: status, error: titleOf(status), message }, status, { cause: error });
}

/**
 * Converts a thrown value for exception filters and loggers. `by` names the code that threw it. Objects are returned unchanged,
 * except unreadable ones. A primitive value or an unreadable object becomes an `SseError`. The response of an HTTP error is
 * replaced if JSON cannot express it.
 */
export function presentable(thrown: unknown, by = 'The source of a stream'): object {
  if (typeof thrown !== 'object' || thrown === null) {
    return nonError(thrown, `${by} threw ${quoted(thrown)}, which is not an Error.`, THROW_ERRORS);
  }
  if (!isLegible(thrown)) return nonError(thrown, `${by} threw an object that cannot be read.`, UNREADABLE);
  if (!isException(thrown) || attempt(() => isWritable(thrown.getResponse()), false)) return thrown;
  const { status, response } = publicErrorOf(thrown);
  return new HttpException(response, status, { cause: thrown });
}

const THROW_ERRORS = 'Throw an Error, or an HttpException if the client may see its message.';
const UNREADABLE = 'One of its properties or methods throws. Throw an ordinary Error.';

function nonError(thrown: unknown, what: string, remedy: string): SseError {
  return new SseError('SSE_NON_ERROR_THROWN', what, { remedy, context: { thrown } });
}

function isWritable(response: unknown): boolean {
  JSON.stringify(response);
  return true;
}
