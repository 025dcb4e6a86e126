export { SseModule } from './sse.module.js';

export { Sse, SseDefaults } from './handler/sse.decorator.js';
export {
  LastEventId,
  SseConnection,
  SseSignal,
  type StreamParameter,
} from './handler/parameters.decorator.js';
export { SseErrorFilter } from './handler/sse-error.filter.js';
export { isSseRoute } from './handler/is-sse-route.js';

export { comment, event, isSseEvent, retryAfter, SseEvent, type EventInit } from './events/sse-event.js';
export { raw } from './events/raw.js';
export type { Emits, Serialize } from './events/to-event.js';

export { FormatInterceptor, type FormatOptions } from './interceptors/format.interceptor.js';
export { ErrorEventInterceptor } from './interceptors/error-event.interceptor.js';
export type { ErrorBody } from './interceptors/error-event.stage.js';
export { HeartbeatInterceptor } from './interceptors/heartbeat.interceptor.js';

export { SseConnections } from './connection/sse-connections.js';
export type { LimitAnswer, Slot, SlotRequest, SlotStore } from './connection/limits.js';
export type { OverflowOptions, OverflowPolicy } from './connection/overflow.js';

export { Channels, type ChannelsOptions } from './channels/channels.js';
export type { Channel, Publishable } from './channels/channel.js';
export type { ChannelSubscription } from './channels/subscription.js';
export type {
  ChannelEvent,
  EventTest,
  SubscribeOptions,
  WithoutGaps,
} from './channels/subscription.options.js';
export { isGap, type Gap, type GapEvent } from './channels/gap-notice.js';
export type { StartOptions } from './channels/start-position.js';
export { Runs } from './channels/runs.js';
export type { Run } from './channels/run.js';
export type { RunStatus } from './channels/run-outcome.js';
export type { RunSource } from './channels/run-owner.js';
export type { AttachOptions, RunOptions, RunsOptions } from './channels/run.options.js';
export { memoryLog, type MemoryLog } from './channels/memory-log.js';
export { MEMORY_LOG_DEFAULTS, type MemoryLogOptions } from './channels/memory-log.options.js';
export type {
  Awaitable,
  EventLog,
  LogHealth,
  LogListener,
  LogSlice,
  ReadLimit,
} from './channels/event-log.js';
export { channelKey, type ChannelKey, type LogPosition } from './channels/cursor.js';
export { LogEntry, type Parse } from './channels/log-entry.js';
export type { LogRecord } from './channels/log-record.js';
export { compareEventIds } from './channels/event-ids.js';

export type { SseModuleAsyncOptions, SseOptionsFactory } from './options/async.options.js';
export {
  SSE_DEFAULTS,
  type CompleteOptions,
  type ErrorEventOptions,
  type ExclusiveOptions,
  type HeartbeatOptions,
  type LimitOptions,
  type PayloadOption,
  type SseModuleOptions,
  type SseOptions,
  type SseRouteOptions,
  type TimeoutOptions,
} from './options/sse.options.js';
export { SSE_CHANNELS, SSE_CONNECTIONS, SSE_RUNS } from './options/sse.tokens.js';

export { isSseError, SseError, type SseErrorCode } from './sse.errors.js';
