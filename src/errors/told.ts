import { attempt, isLegible } from './legible.js';
import { titleOf } from './http-status.js';

/** The payload of an error event. */
export interface ErrorBody {
  statusCode: number;
  error: string;
  message: unknown;
}

/** The part of an error that a client may see: a status, and a response that JSON can express. */
export interface Told {
  readonly status: number;
  readonly response: string | Record<string, unknown>;
}

/** The part of an exception that we use. It is recognized by its shape: another copy of Nest has another class. */
interface Exception {
  readonly message: unknown;
  getStatus(): number;
  getResponse(): unknown;
}

const UNKNOWN: Told = { status: 500, response: 'Internal server error' };

/**
 * The only rule for which part of an error a client may see: the response of an `HttpException`, and of any other error
 * nothing but that it happened. Never throws: an exception that cannot be read counts as any other error.
 */
export function toldOf(error: unknown): Told {
  return attempt(() => (isException(error) ? responseOf(error) : UNKNOWN), UNKNOWN);
}

/** {@link toldOf} as the payload of an error event. */
export function errorBody(error: unknown): ErrorBody {
  const { status, response } = toldOf(error);
  const title = titleOf(status);
  if (typeof response === 'string') return { statusCode: status, error: title, message: response };
  const message = attempt<unknown>(() => (error as Exception).message, undefined);
  return {
    statusCode: status,
    error: typeof response['error'] === 'string' ? response['error'] : title,
    message: response['message'] ?? (typeof message === 'string' ? message : title),
  };
}

/** Whether an error is an `HttpException` in shape, and can be read. */
export function isException(error: unknown): error is Exception {
  return attempt(() => {
    const { getStatus, getResponse } = error as Partial<Exception>;
    return typeof getStatus === 'function' && typeof getResponse === 'function' && isLegible(error);
  }, false);
}

function responseOf(exception: Exception): Told {
  const status = exception.getStatus();
  const response = exception.getResponse();
  if (typeof response === 'string') return { status, response };
  // An exception made from another error would show the words of that error, which were not written for clients.
  const copy = response instanceof Error ? undefined : copyOf(response);
  return { status, response: copy ?? titleOf(status) };
}

/** An object as JSON expresses it; `undefined` for one that it cannot express, and for anything that is not an object. */
function copyOf(response: unknown): Record<string, unknown> | undefined {
  return attempt(() => {
    const copy: unknown = JSON.parse(JSON.stringify(response));
    return typeof copy === 'object' && copy !== null ? (copy as Record<string, unknown>) : undefined;
  }, undefined);
}
