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
export { eventsOf, type UpstreamBytes, type UpstreamEvent, type UpstreamOptions } from './source/upstream.js';

export { FormatInterceptor } from './interceptors/format.interceptor.js';
export { ErrorEventInterceptor } from './interceptors/error-event.interceptor.js';
export type { ErrorBody } from './errors/public-error.js';
export type { SseErrorPhase } from './errors/error-reports.js';
export type { LineLogger } from './errors/health-report.js';
export { HeartbeatInterceptor } from './interceptors/heartbeat.interceptor.js';

export { SseConnections } from './connection/sse-connections.js';
export type { Slot, SlotAnswer, SlotRequest, SlotStore, SlotUse } from './limits/limits.js';

export { Channels, type ChannelOptions, type ChannelsOptions } from './channels/channels.js';
export type { Channel, Publishable } from './channels/channel.js';
export type { PublishOptions } from './channels/publish-in.js';
export type {
  EventChannel,
  EventSubscribeOptions,
  EventSubscription,
  Published,
} from './channels/event-channel.js';
export type { ChannelSubscription } from './channels/subscription.js';
export type {
  ChannelEvent,
  EventTest,
  SubscribeOptions,
  WithoutGaps,
} from './channels/subscription.options.js';
export type { SnapshotContext, SnapshotFunction } from './channels/snapshot/application-state.js';
export type { SnapshotReason } from './channels/snapshot/state-source.js';
export type { Fold } from './channels/folds/fold.js';
export { concat, type ConcatOptions, type ReadyFoldOptions } from './channels/folds/concat.js';
export { latest, type LatestOptions, type LatestState } from './channels/folds/latest.js';
export { uiMessage, type UiMessageState } from './channels/folds/ui-message.js';
export { isGap, type Gap, type GapEvent, type Stopped, type StoppedEvent } from './events/library-events.js';
export type { StartOptions } from './channels/start-position.js';
export { Runs } from './runs/runs.js';
export type { Run, RunningRun } from './runs/run.js';
export type { EventAttachOptions, EventRun, RunEvent, RunSubscription } from './runs/event-run.js';
export type { RunStatus } from './runs/run-outcome.js';
export type { RunSource } from './runs/run-source.js';
export type { AttachOptions, RunOptions, RunsOptions } from './runs/run.options.js';
export { memoryLog, type MemoryLog } from './log/memory-log.js';
export type { Retention } from './log/retention.js';
export { MEMORY_LOG_DEFAULTS, type MemoryLogOptions } from './log/memory-log.options.js';
export type {
  Awaitable,
  EventLog,
  KeptEvents,
  LogHealth,
  LogListener,
  LogSlice,
  LogSnapshot,
  LogSnapshots,
  ReadLimit,
} from './log/event-log.js';
export {
  channelKey,
  newEpoch,
  parseSortableNumber,
  sortableNumber,
  type ChannelKey,
  type LogPosition,
} from './log/cursor.js';
export { LogEntry, type Parse } from './log/log-entry.js';
export type { LogRecord } from './log/log-record.js';
export type { Transaction, TransactionQuery } from './log/transaction.js';
export { compareEventIds } from './log/event-ids.js';

export type { OnError, SseErrorContext } from './options/error-context.js';
export type { SseModuleAsyncOptions, SseOptionsFactory } from './options/async.options.js';
export {
  SSE_DEFAULTS,
  type SseModuleOptions,
  type SseOptions,
  type SseRouteOptions,
} from './options/sse.options.js';
export type { FormatOptions } from './stages/format.options.js';
export type { HeartbeatOptions } from './stages/heartbeat.options.js';
export type { CompleteOptions, ErrorEventOptions } from './stages/ending.options.js';
export type { TimeoutOptions } from './stages/lifetime.options.js';
export type { PayloadOption } from './stages/payload.js';
export type { OverflowOptions, OverflowPolicy } from './connection/slow-client.options.js';
export type { ExclusiveOptions, LimitAnswer, LimitOptions } from './limits/limit.options.js';
export { SSE_CHANNELS, SSE_CONNECTIONS, SSE_RUNS } from './options/sse.tokens.js';

export { isSseError, SseError, type SseErrorCode } from './errors/sse.errors.js';
