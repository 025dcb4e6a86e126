import type { SseErrorCode } from './sse.errors.js';

/** The message of `signal.reason` by the code with which a stream has ended. */
export const CLOSE_REASONS: Partial<Record<SseErrorCode, string>> = {
  SSE_CLIENT_GONE: 'The client has left.',
  SSE_OVERFLOW: 'More events waited for the client than "overflow.maxBytes" or "maxQueuedBytes" allows.',
  SSE_STALLED: 'The client has read nothing for "stallMs".',
  SSE_ENDED: 'The stream has ended.',
  SSE_CLOSED: 'The connection was closed by the application.',
  SSE_SHUTDOWN: 'The application is shutting down.',
  SSE_EXPIRED: 'The time of this stream is up.',
  SSE_REVOKED: 'A guard rejected this stream when it ran again.',
};
