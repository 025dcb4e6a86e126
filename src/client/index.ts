export { connect } from './connect.js';
export { EventSource, type EventSourceErrorEvent, type EventSourceOptions } from './event-source.js';
export type { EventStream, EventStreamState } from './event-stream.js';
export type {
  ReceivedEvent,
  ReceivedEventOf,
  ReceivedEvents,
  TypedEvent,
  UnknownEvent,
  UnknownName,
} from './received-event.js';
export type {
  ClientClock,
  ConnectOptions,
  ContractOptions,
  FetchLike,
  RequestHeaders,
  RequestOptions,
  RetryNotice,
  RetryOptions,
  UnknownEvents,
} from './client.options.js';
export { SseError, isSseError } from '../errors/sse.errors.js';
export type { SseErrorCode } from '../errors/sse.errors.js';
