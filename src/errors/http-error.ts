import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { isSseError, type SseErrorCode } from './sse.errors.js';

type Answers = Partial<Record<SseErrorCode, [status: number, message: string]>>;

/** Errors that are answers: what a client asked for cannot be had, or not now. */
const ANSWERS: Answers = {
  SSE_INVALID_CURSOR: [400, 'The Last-Event-ID is not one of this stream.'],
  SSE_INVALID_CHANNEL: [400, 'There can be no channel of that name.'],
  SSE_RUN_UNKNOWN: [404, 'There is no run of that id.'],
  SSE_RUN_EXISTS: [409, 'A run of that id is there already.'],
  SSE_LOG_UNAVAILABLE: [503, 'The events cannot be reached now.'],
};

/** The same of an ordinary route, where what is published came with the request; a stream makes it itself. */
export const ANSWERS_TO_PUBLISHING: Answers = {
  ...ANSWERS,
  SSE_EVENT_TOO_LARGE: [413, 'The event is too large.'],
  SSE_ID_ORDER: [409, 'The id does not come after that of the last event.'],
};

/** What is behind such an HTTP error, if it is trouble of the server's that nobody else logs. */
export function troubleBehind(error: unknown): unknown {
  if (!(error instanceof HttpException) || error.getStatus() < 500) return undefined;
  return isSseError(error.cause) ? error.cause : undefined;
}

/** An `SseError` that is the client's affair as the HTTP error it stands for; any other error as it is. */
export function toHttpError(error: unknown, answers = ANSWERS): unknown {
  const answer = isSseError(error) ? answers[error.code] : undefined;
  if (!answer) return error;
  const [statusCode, message] = answer;
  return new HttpException({ statusCode, error: STATUS_CODES[statusCode], message }, statusCode, {
    cause: error,
  });
}
