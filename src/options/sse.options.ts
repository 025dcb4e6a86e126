import { RequestMethod } from '@nestjs/common';
import type { OptionTable } from '../checking/option-check.js';
import { elsewhere, func, group, having, kind } from '../checking/option-kinds.js';
import {
  CONNECTIONS_DEFAULTS,
  CONNECTIONS_TABLE,
  type ConnectionsOptions,
} from '../connection/connections.options.js';
import {
  SLOW_CLIENT_DEFAULTS,
  SLOW_CLIENT_TABLE,
  type SlowClientOptions,
} from '../connection/slow-client.options.js';
import { LIMITS_TABLE, type StreamLimitOptions } from '../limits/limit.options.js';
import { isContract, type AnyContract } from '../events/event-contract.js';
import type { SlotStore } from '../limits/limits.js';
import type { EventLog } from '../log/event-log.js';
import { RUNS_TABLE, type RunsOptions } from '../runs/run.options.js';
import { ENDING_DEFAULTS, ENDING_TABLE, type EndingOptions } from '../stages/ending.options.js';
import { FORMAT_DEFAULTS, STREAM_FORMAT_TABLE, type StreamFormatOptions } from '../stages/format.options.js';
import {
  HEARTBEAT_DEFAULTS,
  STREAM_HEARTBEAT_TABLE,
  type StreamHeartbeatOptions,
} from '../stages/heartbeat.options.js';
import { LIFETIME_DEFAULTS, LIFETIME_TABLE, type LifetimeOptions } from '../stages/lifetime.options.js';
import type { OnError } from './error-context.js';
import { REQUEST_DEFAULTS, REQUEST_TABLE, type RequestOptions } from './request.options.js';

/**
 * Options of streams, at three levels: the module (for all routes), a controller (`@SseDefaults()`), a route (`@Sse()`). An
 * option of a lower level replaces that of a higher level as a whole. Limits are added to those of the module.
 */
export interface SseOptions
  extends
    StreamFormatOptions,
    StreamHeartbeatOptions,
    EndingOptions,
    LifetimeOptions,
    SlowClientOptions,
    StreamLimitOptions,
    RequestOptions {}

/** Options of one route: {@link SseOptions}, and what makes the method a route. */
export interface SseRouteOptions<Events extends AnyContract = AnyContract> extends SseOptions {
  /**
   * The events that the stream can have, made by `defineEvents()`. The compiler checks what the method yields, and `validate`
   * checks its data. @default any event
   */
  events?: Events;
  /** HTTP method of the route. @default RequestMethod.GET */
  method?: RequestMethod;
  /** Nest's name for `overflow.maxBytes`, for routes that come from Nest's `@Sse()`: 0 or `Infinity` removes the limit. */
  maxPendingDataLength?: number;
}

/** Options of the module: {@link SseOptions} for all routes, and those of the application. */
export interface SseModuleOptions extends SseOptions, ConnectionsOptions {
  /** The event log behind `Channels` and `Runs`. @default memoryLog() */
  log?: EventLog;
  /** Defaults for all runs. */
  runs?: RunsOptions;
  /** Counts the connections under each limit. @default each process counts its own */
  slots?: SlotStore;
  /**
   * Called with every error that the library logs, for an error tracker: errors after the head, of runs, and of teardown.
   * Errors before the head reach the exception filters of the application. An error that it throws or rejects with is logged.
   * @default none
   */
  onError?: OnError;
}

/** Every default of {@link SseOptions} that is a value. */
export const STREAM_DEFAULTS = {
  ...FORMAT_DEFAULTS,
  ...HEARTBEAT_DEFAULTS,
  ...ENDING_DEFAULTS,
  ...LIFETIME_DEFAULTS,
  ...SLOW_CLIENT_DEFAULTS,
  ...REQUEST_DEFAULTS,
} as const;

/** Every default of {@link SseModuleOptions} that is a value. */
export const SSE_DEFAULTS = { ...STREAM_DEFAULTS, ...CONNECTIONS_DEFAULTS } as const;

const STREAM_TABLE = {
  ...STREAM_FORMAT_TABLE,
  ...STREAM_HEARTBEAT_TABLE,
  ...ENDING_TABLE,
  ...LIFETIME_TABLE,
  ...SLOW_CLIENT_TABLE,
  ...LIMITS_TABLE,
  ...REQUEST_TABLE,
} satisfies OptionTable<SseOptions>;

const OF_ROUTE = {
  events: kind(isContract, 'a contract: defineEvents({ … })'),
  method: kind(
    (value) => typeof value === 'number' && RequestMethod[value] !== undefined,
    'a method of Nest, such as RequestMethod.POST',
  ),
  maxPendingDataLength: kind(
    (value) => value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0),
    'a whole number of bytes, 0 or Infinity for no limit',
  ),
} satisfies OptionTable<Omit<SseRouteOptions, keyof SseOptions>>;

const OF_MODULE = {
  ...CONNECTIONS_TABLE,
  log: having(
    ['append', 'read', 'watch'],
    'an event log: memoryLog(), redisLog()',
    'an EventLog of your own',
  ),
  runs: group(RUNS_TABLE),
  slots: having(['acquire'], 'a store of slots: redisSlots()', 'a SlotStore of your own'),
  onError: func('of the error and its context'),
} satisfies OptionTable<Omit<SseModuleOptions, keyof SseOptions>>;

/** Kinds of the options of `SseModule.forRoot()`. */
export const MODULE_TABLE: OptionTable<SseModuleOptions> = {
  ...STREAM_TABLE,
  ...OF_MODULE,
  ...away(OF_ROUTE, '@Sse()'),
};
/** Kinds of the options of `@SseDefaults()`. */
export const CONTROLLER_TABLE: OptionTable<SseOptions> = {
  ...STREAM_TABLE,
  ...away(OF_ROUTE, '@Sse()'),
  ...away(OF_MODULE, 'SseModule.forRoot()'),
};
/** Kinds of the options of `@Sse()`. */
export const ROUTE_TABLE: OptionTable<SseRouteOptions> = {
  ...STREAM_TABLE,
  ...OF_ROUTE,
  ...away(OF_MODULE, 'SseModule.forRoot()'),
};

function away(table: OptionTable, place: string): OptionTable {
  return Object.fromEntries(Object.keys(table).map((name) => [name, elsewhere(place)]));
}
