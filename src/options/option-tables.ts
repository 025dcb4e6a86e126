import { RequestMethod } from '@nestjs/common';
import { RUNS_TABLE } from '../runs/run.options.js';
import type { OverflowOptions } from '../connection/overflow.js';
import type { OptionTable } from '../checking/option-check.js';
import {
  anyOf,
  anything,
  delayMs,
  elsewhere,
  eventId,
  eventType,
  flag,
  func,
  group,
  having,
  kind,
  meant,
  none,
  oneOf,
  required,
  wholeNumber,
} from '../checking/option-kinds.js';
import type {
  CompleteOptions,
  ErrorEventOptions,
  HeartbeatOptions,
  LimitOptions,
  SseModuleOptions,
  SseOptions,
  SseRouteOptions,
  TimeoutOptions,
} from './sse.options.js';

const ofRequest = func('of the request');

/** Of `heartbeat`. */
export const HEARTBEAT = {
  intervalMs: delayMs(1),
  event: eventType,
  data: anything,
  id: anyOf(eventId, ofRequest),
  always: flag,
} satisfies OptionTable<HeartbeatOptions>;

/** Of `errors`. */
export const ERRORS = {
  event: eventType,
  map: func('of the error and the request'),
} satisfies OptionTable<ErrorEventOptions>;

const COMPLETE = {
  event: eventType,
  data: anything,
  id: eventId,
} satisfies OptionTable<CompleteOptions>;

const TIMEOUT = {
  afterMs: required(anyOf(delayMs(1), ofRequest)),
  event: eventType,
  data: anything,
} satisfies OptionTable<TimeoutOptions>;

const OVERFLOW = {
  maxBytes: anyOf(
    wholeNumber(1),
    kind((value) => value === Infinity, 'Infinity'),
  ),
  policy: anyOf(
    oneOf('disconnect', 'drop-oldest', 'drop-newest'),
    group({ coalesce: required(func('of the event, which gives a key')) }),
  ),
  report: anyOf(none, group({ event: eventType })),
} satisfies OptionTable<OverflowOptions>;

const limitKey = anyOf(oneOf('route', 'ip', 'process'), ofRequest);
const limitStatus = kind(
  (value) => Number.isInteger(value) && (value as number) >= 400 && (value as number) <= 599,
  'a status from 400 to 599',
);
const EXCLUSIVE = {
  key: required(limitKey),
  status: anyOf(oneOf('retry', 'replace'), limitStatus),
  retryMs: wholeNumber(0),
} satisfies OptionTable<Omit<LimitOptions, 'max'>>;
const { key, ...answer } = EXCLUSIVE;
const LIMIT = { key, max: required(wholeNumber(1)), ...answer } satisfies OptionTable<LimitOptions>;

/** Of how values become events. */
export const FORMAT = {
  emits: oneOf('events', 'data'),
  serialize: func('that makes text of a value, such as JSON.stringify'),
} satisfies OptionTable<Pick<SseOptions, 'emits' | 'serialize'>>;

/** Of {@link SseOptions}, whatever the level. */
const STREAM = {
  ...FORMAT,
  ids: anyOf(none, oneOf('sequence'), func('of the value and the request')),
  openAfterMs: delayMs(0),
  heartbeat: meant(anyOf(delayMs(1), none, group(HEARTBEAT)), (value) =>
    value === true ? 'Leave it out for the default.' : undefined,
  ),
  errors: meant(group(ERRORS), (value) =>
    typeof value === 'string' ? `Write { event: '${value}' }.` : undefined,
  ),
  complete: meant(anyOf(oneOf('reconnect'), group(COMPLETE)), (value) => {
    if (value === false || value === null) return 'Leave it out for no last event.';
    const type = value === true ? 'end' : value;
    return typeof type === 'string' ? `Write { event: '${type}' }.` : undefined;
  }),
  timeout: meant(anyOf(group(TIMEOUT), none), (value) =>
    typeof value === 'number' && value > 0 ? `Write { afterMs: ${value} }.` : undefined,
  ),
  maxDurationMs: anyOf(delayMs(1), none),
  expiresAt: func('of the request, which gives a Date, milliseconds since 1970, or undefined'),
  revalidateMs: anyOf(delayMs(1), none),
  overflow: meant(group(OVERFLOW), (value) => {
    if (typeof value === 'number') return `Write { maxBytes: ${value} }.`;
    return typeof value === 'string' ? `Write { policy: '${value}' }.` : undefined;
  }),
  stallMs: anyOf(delayMs(1), none),
  teardownWarnMs: anyOf(delayMs(1), none),
  limit: meant(group(LIMIT, true), (value) =>
    typeof value === 'number' ? `Write { key: 'route', max: ${value} }.` : undefined,
  ),
  exclusive: meant(anyOf(limitKey, group(EXCLUSIVE)), (value) =>
    value === true
      ? "Write 'route' for one stream of the route, 'ip' for one of each address, or a function for one of each user."
      : undefined,
  ),
  lastEventIdQuery: flag,
  maxLastEventIdBytes: wholeNumber(1),
} satisfies OptionTable<SseOptions>;

const OF_ROUTE = {
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
  log: having(
    ['append', 'read', 'watch'],
    'an event log: memoryLog(), redisLog()',
    'an EventLog of your own',
  ),
  runs: group(RUNS_TABLE),
  slots: having(['acquire'], 'a store of slots: redisSlots()', 'a SlotStore of your own'),
  maxQueuedBytes: wholeNumber(1),
  onError: func('of the error and its context'),
  shutdownMs: delayMs(0),
  shutdownRetryMs: anyOf(wholeNumber(0), none),
} satisfies OptionTable<Omit<SseModuleOptions, keyof SseOptions>>;

/** Of `SseModule.forRoot()`. */
export const MODULE_TABLE: OptionTable<SseModuleOptions> = {
  ...STREAM,
  ...OF_MODULE,
  ...away(OF_ROUTE, '@Sse()'),
};
/** Of `@SseDefaults()`. */
export const CONTROLLER_TABLE: OptionTable<SseOptions> = {
  ...STREAM,
  ...away(OF_ROUTE, '@Sse()'),
  ...away(OF_MODULE, 'SseModule.forRoot()'),
};
/** Of `@Sse()`. */
export const ROUTE_TABLE: OptionTable<SseRouteOptions> = {
  ...STREAM,
  ...OF_ROUTE,
  ...away(OF_MODULE, 'SseModule.forRoot()'),
};

function away(table: OptionTable, place: string): OptionTable {
  return Object.fromEntries(Object.keys(table).map((name) => [name, elsewhere(place)]));
}
