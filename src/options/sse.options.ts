import type { ExecutionContext, RequestMethod } from '@nestjs/common';
import type { OnError } from './error-context.js';
import type { EventLog } from '../log/event-log.js';
import type { RunsOptions } from '../runs/run.options.js';
import { OVERFLOW_DEFAULTS, type OverflowOptions } from '../connection/overflow.js';
import type { LimitAnswer, SlotStore } from '../limits/limits.js';
import type { Emits, Serialize } from '../events/to-event.js';

/**
 * A payload, or a function of the request that makes one each time. All that is not a function is spelled out, as
 * `unknown` would leave a function's parameter without a type.
 */
export type PayloadOption =
  ((context: ExecutionContext) => unknown) | object | string | number | boolean | bigint | null | undefined;

/** Sends something whenever a stream has been silent, so that nothing on the way takes it for dead. */
export interface HeartbeatOptions {
  /** Milliseconds of silence before a heartbeat, and up to a 32nd part more, so that many go out at once. @default 15_000 */
  intervalMs?: number;
  /** Type of the heartbeat event. @default none: a comment, unless `data` is given */
  event?: string;
  /** Its payload, or a function of the request that makes one each time. @default '' where `event` is given */
  data?: PayloadOption;
  /** Its id, or a function of the request that makes one each time. @default none */
  id?: string | ((context: ExecutionContext) => string);
  /** Send it every `intervalMs`, also while events flow. @default false */
  always?: boolean;
}

/** What a client is told of an error after the head. */
export interface ErrorEventOptions {
  /** Type of the error event. An `EventSource` reports its own trouble as `error`, too. @default 'error' */
  event?: string;
  /**
   * Makes the payload, or a whole event with `event()`; `undefined` sends none.
   * @default `{ statusCode, error, message }`, where only an `HttpException` shows its message
   */
  map?: (error: unknown, context: ExecutionContext) => unknown;
}

/** The last event of a stream that completes. */
export interface CompleteOptions {
  /** @default none (a `message`) */
  event?: string;
  /** @default '' */
  data?: unknown;
  /** Its own id; without one it carries the id that keeps an `EventSource` from coming back. @default none */
  id?: string;
}

/** Ends a stream that takes too long. */
export interface TimeoutOptions {
  /** Milliseconds from the opening on, or a function of the request. */
  afterMs: number | ((context: ExecutionContext) => number);
  /** Type of the last event. @default none (a `message`) */
  event?: string;
  /** Its payload, or a function of the request that makes it. @default `{"type":"timeout","message":…}` */
  data?: PayloadOption;
}

/** How many connections there may be under one key. */
export interface LimitOptions {
  /**
   * What is counted: `'route'`, `'ip'`, `'process'`, or what a function makes of the request (a user's id);
   * `undefined` from it means no limit for this request.
   */
  key: 'route' | 'ip' | 'process' | ((context: ExecutionContext) => string | undefined);
  /** As many may be open. A positive integer. */
  max: number;
  /**
   * The answer to one more: a status before any stream, which stops an `EventSource` for good (it never comes back from a
   * 4xx or 5xx); `'retry'`, which it does come back from (200, `retry:` and the end); or `'replace'` (the oldest is
   * closed). @default 429, 503 for `'process'`
   */
  status?: LimitAnswer;
  /** When one that was turned away may come back, for `Retry-After` and `retry:`, in milliseconds. @default 5000 */
  retryMs?: number;
}

/** At most one connection per key: a `limit` whose `max` is 1. */
export type ExclusiveOptions = LimitOptions['key'] | Omit<LimitOptions, 'max'>;

/**
 * Options of streams: of the module (for all), of a controller (`@SseDefaults()`), of a route (`@Sse()`). Each stands as
 * a whole over that of the level above; limits are added to those of the module.
 */
export interface SseOptions {
  /** What yielded values are: MessageEvents where they look like one, or payload always. @default 'events' */
  emits?: Emits;
  /** Writes payloads that are not strings. @default JSON.stringify */
  serialize?: Serialize;
  /**
   * Ids for events that have none: `'sequence'` numbers them from 1, or from where a numeric `Last-Event-ID` left
   * off; a function makes its own from the yielded value. @default false
   */
  ids?: false | 'sequence' | ((value: unknown, context: ExecutionContext) => string | undefined);
  /** Milliseconds after which a generator without a first value has its head sent. @default 250 */
  openAfterMs?: number;
  /** Heartbeats: the interval in milliseconds, all about them, or none. @default 15_000 */
  heartbeat?: number | false | HeartbeatOptions;
  /** What a client is told of an error after the head. */
  errors?: ErrorEventOptions;
  /**
   * The last event of a stream that completes. `'reconnect'`: none, and clients may come back.
   * @default no event; an `EventSource` is kept from coming back
   */
  complete?: CompleteOptions | 'reconnect';
  /** Ends a stream that takes too long, with an event. @default false */
  timeout?: false | TimeoutOptions;
  /** Milliseconds after which a connection is ended for its client to reconnect, give or take 10 %. @default false */
  maxDurationMs?: number | false;
  /**
   * When the right to this stream ends, such as a token's `exp`: a `Date`, or milliseconds since 1970; `undefined` for
   * never. The stream then ends with a 401 error event, and a client that comes back meets the guards.
   * @default never
   */
  expiresAt?: (context: ExecutionContext) => Date | number | undefined;
  /**
   * Milliseconds after which the route's guards run again, give or take 10 %, and so on. A stream that they no longer
   * let through ends with an error event (401, 403), and its client is kept from coming back. @default false
   */
  revalidateMs?: number | false;
  /** What may wait for a client that is too slow for a push source. */
  overflow?: OverflowOptions;
  /** Milliseconds without the client taking a byte of what waits, after which it is cut off. @default 30_000 */
  stallMs?: number | false;
  /** Milliseconds after which a source that still runs without its client is named in the log. @default 10_000 */
  teardownWarnMs?: number | false;
  /**
   * How many connections there may be. All of several limits must hold. For pages say `status: 'retry'`: the usual 429
   * stops an `EventSource` for good. @default none
   */
  limit?: LimitOptions | LimitOptions[];
  /** At most one connection per key. For pages `{ key, status: 'retry' }` or `'replace'`, as with `limit`. @default none */
  exclusive?: ExclusiveOptions;
  /** Also take the query parameter `lastEventId` where there is no `Last-Event-ID`. @default false */
  lastEventIdQuery?: boolean;
  /** A longer `Last-Event-ID` is answered with 400; the default has room for the cursor of 100 channels. @default 4096 */
  maxLastEventIdBytes?: number;
}

/** Options of one route: {@link SseOptions}, and what makes it a route. */
export interface SseRouteOptions extends SseOptions {
  /** HTTP method of the route. @default RequestMethod.GET */
  method?: RequestMethod;
  /** Nest's name for `overflow.maxBytes`, for routes that come from there: 0 or `Infinity` lifts the limit. */
  maxPendingDataLength?: number;
}

/** Options of the module: {@link SseOptions} for all routes, and the application's own. */
export interface SseModuleOptions extends SseOptions {
  /** What stands behind `Channels`: what keeps their events, and for how long. @default memoryLog() */
  log?: EventLog;
  /** How `Runs` behave. */
  runs?: RunsOptions;
  /** Who counts the connections under each limit. @default this process for itself */
  slots?: SlotStore;
  /**
   * Bytes of memory that the events waiting for slow clients may use in this process, over all connections. Beyond it,
   * the connection with the most is cut off, and not the one that has just opened. @default 134_217_728
   */
  maxQueuedBytes?: number;
  /**
   * Called with every error that the library logs, for an error tracker: errors after the head, of runs, and of teardown.
   * Errors before the head reach the exception filters of the application. An error that it throws or rejects with is logged.
   * @default none
   */
  onError?: OnError;
  /** Milliseconds within which a shutdown ends all streams. @default 2000 */
  shutdownMs?: number;
  /** Clients are asked to come back after a random part of so many milliseconds. @default 5000 */
  shutdownRetryMs?: number | false;
}

/** An option that is a value, or a function of the request: its value for this one. */
export function valueFor<T>(option: T | ((context: ExecutionContext) => T), context: ExecutionContext): T {
  return typeof option === 'function' ? (option as (context: ExecutionContext) => T)(context) : option;
}

/** Options with every default in place; a lower level's are over a higher one's. */
export interface ResolvedOptions {
  emits: Emits;
  serialize: Serialize;
  ids: NonNullable<SseOptions['ids']>;
  openAfterMs: number;
  heartbeat: false | ResolvedHeartbeat;
  errors: ErrorEventOptions & { event: string };
  complete: CompleteOptions | 'reconnect' | undefined;
  timeout: false | TimeoutOptions;
  maxDurationMs: number | false;
  expiresAt: SseOptions['expiresAt'];
  revalidateMs: number | false;
  overflow: Required<OverflowOptions>;
  stallMs: number | false;
  teardownWarnMs: number | false;
  limits: ResolvedLimit[];
  lastEventIdQuery: boolean;
  maxLastEventIdBytes: number;
}

/** Heartbeats, and how their payloads are written. */
export interface ResolvedHeartbeat extends HeartbeatOptions {
  intervalMs: number;
  serialize: Serialize;
}

/** A limit, and the part of the application that it counts in. */
export interface ResolvedLimit extends Required<LimitOptions> {
  /** The option that it comes from, such as `limit[1]`. */
  name: string;
  /** True for one of the module's: it counts over all routes. */
  shared: boolean;
}

/** Every default of {@link SseOptions}. */
export const SSE_DEFAULTS = {
  emits: 'events',
  serialize: JSON.stringify as Serialize,
  ids: false,
  openAfterMs: 250,
  heartbeatMs: 15_000,
  errorEvent: 'error',
  overflow: OVERFLOW_DEFAULTS,
  stallMs: 30_000,
  teardownWarnMs: 10_000,
  maxLastEventIdBytes: 4096,
  limitRetryMs: 5000,
  shutdownMs: 2000,
  shutdownRetryMs: 5000,
} as const;
