import { HttpException } from '@nestjs/common';
import { HTTP_ANSWERS, titleOf } from './http-status.js';
import { attempt, isLegible } from './legible.js';
import { SseError, isSseError, quoted } from './sse.errors.js';
import { isException, toldOf } from './told.js';

/** The error behind an HTTP error of 500 or above, if it is trouble that nothing else logs. */
export function troubleBehind(error: unknown): unknown {
  if (toldOf(error).status < 500) return undefined;
  const cause = attempt(() => (error instanceof HttpException ? error.cause : undefined), undefined);
  return isSseError(cause) ? cause : undefined;
}

/**
 * The HTTP error that an `SseError` represents; any other error as it is. `publishing` is for ordinary routes, where the
 * event that was refused came with the request.
 */
export function toHttpError(error: unknown, publishing = false): unknown {
  if (!isSseError(error) || isException(error)) return error;
  const answer = HTTP_ANSWERS[error.code];
  if (!answer || (answer.ofPublisher && !publishing)) return error;
  const { status, message } = answer;
  return new HttpException({ statusCode: status, error: titleOf(status), message }, status, { cause: error });
}

/**
 * Turns a thrown value into an object that exception filters and loggers can work with. `by` names the thrower. An error or
 * another object is returned as it is. A primitive value or an unreadable object becomes an `SseError`. An HTTP error whose
 * response JSON cannot express becomes one with a response that it can.
 */
export function presentable(thrown: unknown, by = 'The source of a stream'): object {
  if (typeof thrown !== 'object' || thrown === null) {
    return nonError(thrown, `${by} threw ${quoted(thrown)}, which is not an Error.`, THROW_ERRORS);
  }
  if (!isLegible(thrown)) return nonError(thrown, `${by} threw an object that cannot be read.`, LET_READ);
  if (!isException(thrown) || attempt(() => isWritable(thrown.getResponse()), false)) return thrown;
  const { status, response } = toldOf(thrown);
  return new HttpException(response, status, { cause: thrown });
}

const THROW_ERRORS = 'Throw an Error, or an HttpException if the client may see its message.';
const LET_READ = 'One of its properties or methods throws when it is used.';

function nonError(thrown: unknown, what: string, remedy: string): SseError {
  return new SseError('SSE_NON_ERROR_THROWN', what, { remedy, context: { thrown } });
}

function isWritable(response: unknown): boolean {
  JSON.stringify(response);
  return true;
}
