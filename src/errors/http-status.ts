import { STATUS_CODES } from 'node:http';
import type { SseErrorCode } from './sse.errors.js';

/** The HTTP answer for an error code. */
export interface HttpAnswer {
  readonly status: number;
  /** The message for the client. It contains no internal detail. */
  readonly message: string;
  /** True if the answer is only for requests that publish. On a stream the same code is a mistake of the server, a 500. */
  readonly ofPublisher?: boolean;
}

/** Status and message by code. All other codes are mistakes in the program, which are a 500. */
export const HTTP_ANSWERS: Readonly<Partial<Record<SseErrorCode, HttpAnswer>>> = {
  SSE_INVALID_CURSOR: { status: 400, message: 'The Last-Event-ID does not belong to this stream.' },
  SSE_INVALID_CHANNEL: { status: 400, message: 'The channel name is not valid.' },
  SSE_RUN_UNKNOWN: { status: 404, message: 'A run with this id does not exist.' },
  SSE_RUN_EXISTS: { status: 409, message: 'A run with this id is already running.' },
  SSE_RUN_LOST: { status: 503, message: 'The run was interrupted.' },
  SSE_SHUTDOWN: { status: 503, message: 'The application is shutting down.' },
  SSE_LOG_UNAVAILABLE: { status: 503, message: 'The event log is temporarily unavailable.' },
  SSE_EVENT_TOO_LARGE: { status: 413, message: 'The event is too large.', ofPublisher: true },
  SSE_ID_ORDER: {
    status: 409,
    message: 'The id does not follow the id of the last event.',
    ofPublisher: true,
  },
};

/** The reason phrase of a status. */
export function titleOf(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
}
