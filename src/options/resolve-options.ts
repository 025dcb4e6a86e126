import type { Serialize } from '../events/to-event.js';
import { checkOptions, checkRules } from '../checking/option-check.js';
import { STREAM_RULES } from './option-rules.js';
import { CONTROLLER_TABLE, MODULE_TABLE, ROUTE_TABLE } from './option-tables.js';
import {
  SSE_DEFAULTS,
  type HeartbeatOptions,
  type LimitOptions,
  type ResolvedLimit,
  type ResolvedOptions,
  type SseModuleOptions,
  type SseOptions,
  type SseRouteOptions,
} from './sse.options.js';

/**
 * The options of one route: those of the module, the controller and the route, in rising order, over the defaults.
 *
 * @param where the route as messages name it, `Class.method`
 * @throws {SseError} `SSE_INVALID_OPTIONS` for an unknown key, a value that its option cannot have, or two that contradict
 * each other.
 */
export function resolveOptions(
  where: string,
  module: SseModuleOptions,
  controller: SseOptions = {},
  route: SseRouteOptions = {},
): ResolvedOptions {
  checkOptions(where, module, MODULE_TABLE);
  checkOptions(`@SseDefaults() of ${where.split('.', 1)[0]}`, controller, CONTROLLER_TABLE);
  checkOptions(where, route, ROUTE_TABLE);
  const own: SseOptions = { ...defined(controller), ...defined(route) };
  const given: SseOptions = { ...defined(module), ...own };
  const serialize = given.serialize ?? SSE_DEFAULTS.serialize;
  const heartbeat = resolvedHeartbeat(given.heartbeat, serialize);
  const resolved: ResolvedOptions = {
    emits: given.emits ?? SSE_DEFAULTS.emits,
    serialize,
    ids: given.ids ?? SSE_DEFAULTS.ids,
    openAfterMs: given.openAfterMs ?? SSE_DEFAULTS.openAfterMs,
    heartbeat,
    errors: { ...given.errors, event: given.errors?.event ?? SSE_DEFAULTS.errorEvent },
    complete: given.complete,
    timeout: given.timeout ?? false,
    maxDurationMs: given.maxDurationMs ?? false,
    expiresAt: given.expiresAt,
    revalidateMs: given.revalidateMs ?? false,
    overflow: {
      ...SSE_DEFAULTS.overflow,
      ...defined(given.overflow ?? {}),
      ...fromNest(route),
      ...defined(route.overflow ?? {}),
    },
    // A heartbeat that comes more seldom than the default limit moves that limit; one that is given is held to.
    stallMs: given.stallMs ?? Math.max(SSE_DEFAULTS.stallMs, heartbeat === false ? 0 : heartbeat.intervalMs),
    teardownWarnMs: given.teardownWarnMs ?? SSE_DEFAULTS.teardownWarnMs,
    limits: [...resolvedLimits(defined(module), true), ...resolvedLimits(own, false)],
    lastEventIdQuery: given.lastEventIdQuery ?? false,
    maxLastEventIdBytes: given.maxLastEventIdBytes ?? SSE_DEFAULTS.maxLastEventIdBytes,
  };
  checkRules(where, resolved, STREAM_RULES);
  return resolved;
}

/**
 * The application's own options over their defaults.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for an unknown key, or a value that its option cannot have.
 */
export function resolveModuleOptions(options: SseModuleOptions): {
  shutdownMs: number;
  shutdownRetryMs: number | false;
} {
  checkOptions('SseModule', options, MODULE_TABLE);
  const { shutdownMs = SSE_DEFAULTS.shutdownMs, shutdownRetryMs = SSE_DEFAULTS.shutdownRetryMs } = options;
  return { shutdownMs, shutdownRetryMs };
}

function resolvedHeartbeat(
  given: SseOptions['heartbeat'],
  serialize: Serialize,
): ResolvedOptions['heartbeat'] {
  if (given === false) return false;
  const options: HeartbeatOptions = typeof given === 'object' ? given : { intervalMs: given };
  return { ...options, intervalMs: options.intervalMs ?? SSE_DEFAULTS.heartbeatMs, serialize };
}

function resolvedLimits(options: SseOptions, shared: boolean): ResolvedLimit[] {
  const { limit = [], exclusive } = options;
  const limits = Array.isArray(limit)
    ? limit.map((each, i) => resolvedLimit(each, `limit[${i}]`, shared))
    : [resolvedLimit(limit, 'limit', shared)];
  if (exclusive !== undefined) {
    const given = typeof exclusive === 'object' ? exclusive : { key: exclusive };
    limits.push(resolvedLimit({ ...given, max: 1 }, 'exclusive', shared));
  }
  return limits;
}

function resolvedLimit(
  { key, max, status, retryMs }: LimitOptions,
  name: string,
  shared: boolean,
): ResolvedLimit {
  return {
    key,
    max,
    status: status ?? (key === 'process' ? 503 : 429),
    retryMs: retryMs ?? SSE_DEFAULTS.limitRetryMs,
    name,
    shared,
  };
}

function fromNest({ maxPendingDataLength: max }: SseRouteOptions): { maxBytes?: number } {
  if (max === undefined) return {};
  return { maxBytes: max === 0 ? Infinity : max };
}

/** An option that is there but undefined does not hide that of a higher level. */
function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
