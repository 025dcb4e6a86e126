import { SseError, quoted } from '../sse.errors.js';
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

/** The longest delay that a timer can keep (2^31 − 1 ms, about 24 days). */
const MAX_DELAY_MS = 2_147_483_647;

/**
 * The options of one route: those of the module, the controller and the route, in rising order, over the defaults.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for a value out of range, or two that contradict each other.
 */
export function resolveOptions(
  where: string,
  module: SseOptions,
  controller: SseOptions = {},
  route: SseRouteOptions = {},
): ResolvedOptions {
  const own: SseOptions = { ...defined(controller), ...defined(route) };
  const given: SseOptions = { ...defined(module), ...own };
  const heartbeat = resolvedHeartbeat(given.heartbeat);
  const resolved: ResolvedOptions = {
    emits: given.emits ?? SSE_DEFAULTS.emits,
    serialize: given.serialize ?? SSE_DEFAULTS.serialize,
    ids: given.ids ?? SSE_DEFAULTS.ids,
    openAfterMs: given.openAfterMs ?? SSE_DEFAULTS.openAfterMs,
    heartbeat,
    errors: { ...given.errors, event: given.errors?.event ?? SSE_DEFAULTS.errorEvent },
    complete: given.complete,
    timeout: given.timeout ?? false,
    maxDurationMs: given.maxDurationMs ?? false,
    overflow: { ...SSE_DEFAULTS.overflow, ...fromNest(route), ...defined(given.overflow ?? {}) },
    // A heartbeat that comes more seldom than the default limit moves that limit; one that is given is held to.
    stallMs: given.stallMs ?? Math.max(SSE_DEFAULTS.stallMs, heartbeat === false ? 0 : heartbeat.intervalMs),
    teardownWarnMs: given.teardownWarnMs ?? SSE_DEFAULTS.teardownWarnMs,
    limits: [...resolvedLimits(defined(module), true), ...resolvedLimits(own, false)],
    lastEventIdQuery: given.lastEventIdQuery ?? false,
    maxLastEventIdBytes: given.maxLastEventIdBytes ?? SSE_DEFAULTS.maxLastEventIdBytes,
  };
  check(where, resolved);
  return resolved;
}

/**
 * The application's own options over their defaults.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for a value out of range.
 */
export function resolveModuleOptions(options: SseModuleOptions): {
  shutdownMs: number;
  shutdownRetryMs: number | false;
} {
  const { shutdownMs = SSE_DEFAULTS.shutdownMs, shutdownRetryMs = SSE_DEFAULTS.shutdownRetryMs } = options;
  const where = 'SseModule';
  delay(where, 'shutdownMs', shutdownMs, 0);
  if (shutdownRetryMs !== false) integer(where, 'shutdownRetryMs', shutdownRetryMs, 0);
  return { shutdownMs, shutdownRetryMs };
}

function resolvedHeartbeat(given: SseOptions['heartbeat']): ResolvedOptions['heartbeat'] {
  if (given === false) return false;
  const options: HeartbeatOptions = typeof given === 'object' ? given : { intervalMs: given };
  return { ...options, intervalMs: options.intervalMs ?? SSE_DEFAULTS.heartbeatMs };
}

function resolvedLimits(options: SseOptions, shared: boolean): ResolvedLimit[] {
  const { limit = [], exclusive } = options;
  const limits: LimitOptions[] = Array.isArray(limit) ? [...limit] : [limit];
  if (exclusive !== undefined) {
    limits.push({ ...(typeof exclusive === 'object' ? exclusive : { key: exclusive }), max: 1 });
  }
  return limits.map(({ key, max, status, retryMs }) => ({
    key,
    max,
    status: status ?? (key === 'process' ? 503 : 429),
    retryMs: retryMs ?? SSE_DEFAULTS.limitRetryMs,
    shared,
  }));
}

function fromNest({ maxPendingDataLength: max }: SseRouteOptions): { maxBytes?: number } {
  return max === undefined ? {} : { maxBytes: max === 0 ? Infinity : max };
}

function check(where: string, options: ResolvedOptions): void {
  const { heartbeat, timeout, overflow } = options;
  if (options.emits !== 'events' && options.emits !== 'data') {
    throw refused(where, 'emits', options.emits, "It is 'events' or 'data'.");
  }
  delay(where, 'openAfterMs', options.openAfterMs, 0);
  if (heartbeat !== false) delay(where, 'heartbeat.intervalMs', heartbeat.intervalMs, 1);
  if (timeout !== false && typeof timeout.afterMs !== 'function')
    delay(where, 'timeout.afterMs', timeout.afterMs, 1);
  if (options.maxDurationMs !== false) delay(where, 'maxDurationMs', options.maxDurationMs, 1);
  if (options.stallMs !== false) delay(where, 'stallMs', options.stallMs, 1);
  if (options.teardownWarnMs !== false) delay(where, 'teardownWarnMs', options.teardownWarnMs, 1);
  if (overflow.maxBytes !== Infinity) integer(where, 'overflow.maxBytes', overflow.maxBytes, 1);
  integer(where, 'maxLastEventIdBytes', options.maxLastEventIdBytes, 1);
  for (const limit of options.limits) checkLimit(where, limit);
  if (heartbeat !== false && options.stallMs !== false && heartbeat.intervalMs > options.stallMs) {
    throw refused(
      where,
      'stallMs',
      options.stallMs,
      `It is shorter than the heartbeat, ${heartbeat.intervalMs}: make it longer, or the heartbeat shorter.`,
    );
  }
  const { maxDurationMs } = options;
  if (timeout !== false && typeof timeout.afterMs === 'number' && maxDurationMs !== false) {
    if (maxDurationMs <= timeout.afterMs) {
      throw refused(
        where,
        'maxDurationMs',
        maxDurationMs,
        `It is not longer than timeout.afterMs, ${timeout.afterMs}, which would never be reached.`,
      );
    }
  }
}

function checkLimit(where: string, { max, status, retryMs, key }: ResolvedLimit): void {
  integer(where, 'limit.max', max, 1);
  integer(where, 'limit.retryMs', retryMs, 0);
  if (typeof key !== 'function' && !['route', 'ip', 'process'].includes(key)) {
    throw refused(where, 'limit.key', key, "It is 'route', 'ip', 'process' or a function.");
  }
  if (status === 'retry' || status === 'replace') return;
  if (!Number.isInteger(status) || status < 400 || status > 599) {
    throw refused(where, 'limit.status', status, "It is 'retry', 'replace' or a status from 400 to 599.");
  }
}

function delay(where: string, name: string, value: unknown, min: number): void {
  if (typeof value === 'number' && value >= min && value <= MAX_DELAY_MS) return;
  throw refused(where, name, value, `It is a number of milliseconds from ${min} to ${MAX_DELAY_MS}.`);
}

function integer(where: string, name: string, value: unknown, min: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= min) return;
  throw refused(where, name, value, `It is a whole number, ${min} or more.`);
}

function refused(where: string, name: string, value: unknown, remedy: string): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `${where}: the option "${name}" cannot be ${quoted(value)}.`, {
    remedy,
    context: { option: name, value },
  });
}

/** An option that is there but undefined does not hide that of a higher level. */
function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
