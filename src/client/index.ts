export { connect } from './connect.js';
export type { EventStream, EventStreamState } from './event-stream.js';
export type { ReceivedEvent, ReceivedEvents } from './received-event.js';
export type {
  ClientClock,
  ConnectOptions,
  FetchLike,
  RequestHeaders,
  RetryNotice,
  RetryOptions,
} from './client.options.js';
export { SseError, isSseError } from '../errors/sse.errors.js';
export type { SseErrorCode } from '../errors/sse.errors.js';
