import { attempt, isLegible } from './legible.js';
import { titleOf } from './http-status.js';

/** The payload of an error event. */
export interface ErrorBody {
  statusCode: number;
  error: string;
  message: unknown;
}

/** The part of an error that a client may see: a status, and a response that JSON can express. */
export interface PublicError {
  readonly status: number;
  readonly response: string | Record<string, unknown>;
}

/** The part of an exception that we use. It is recognized by its shape, because another copy of Nest has another class. */
interface Exception {
  readonly message: unknown;
  getStatus(): number;
  getResponse(): unknown;
}

const UNKNOWN: PublicError = { status: 500, response: 'Internal server error' };

/**
 * The only rule for what a client may see of an error: the response of an `HttpException`, and a 500 without details for any
 * other error. Never throws. An exception that cannot be read counts as any other error.
 */
export function publicErrorOf(error: unknown): PublicError {
  return attempt(() => (isException(error) ? responseOf(error) : UNKNOWN), UNKNOWN);
}

/** {@link publicErrorOf} as the payload of an error event. */
export function errorBody(error: unknown): ErrorBody {
  const { status, response } = publicErrorOf(error);
  const title = titleOf(status);
  if (typeof response === 'string') return { statusCode: status, error: title, message: response };
  const message = attempt<unknown>(() => (error as Exception).message, undefined);
  return {
    statusCode: status,
    error: typeof response['error'] === 'string' ? response['error'] : title,
    message: response['message'] ?? (typeof message === 'string' ? message : title),
  };
}

/** True if an error has the shape of an `HttpException` and can be read. */
export function isException(error: unknown): error is Exception {
  return attempt(() => {
    const { getStatus, getResponse } = error as Partial<Exception>;
    return typeof getStatus === 'function' && typeof getResponse === 'function' && isLegible(error);
  }, false);
}

function responseOf(exception: Exception): PublicError {
  const status = exception.getStatus();
  const response = exception.getResponse();
  if (typeof response === 'string') return { status, response };
  // An exception that was made from another error would show the message of that error, which was not written for clients.
  const copy = response instanceof Error ? undefined : copyOf(response);
  return { status, response: copy ?? titleOf(status) };
}

/** A copy of an object by JSON; `undefined` if JSON cannot express it, or if it is not an object. */
function copyOf(response: unknown): Record<string, unknown> | undefined {
  return attempt(() => {
    const copy: unknown = JSON.parse(JSON.stringify(response));
    return typeof copy === 'object' && copy !== null ? (copy as Record<string, unknown>) : undefined;
  }, undefined);
}
