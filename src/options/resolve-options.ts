import { checkOptions, checkRules, type OptionRule } from '../checking/option-check.js';
import { CONNECTIONS_DEFAULTS, type ConnectionsOptions } from '../connection/connections.options.js';
import { inProduction } from '../environment.js';
import type { ResolvedSlowClient } from '../connection/slow-client.options.js';
import { LIMITS_RULES, resolveLimits, type ResolvedLimit } from '../limits/limit.options.js';
import { CONTRACT_RULES } from '../stages/contract.rules.js';
import { resolveErrorEvent, type ResolvedEnding } from '../stages/ending.options.js';
import type { ResolvedFormat } from '../stages/format.options.js';
import { resolveHeartbeat, type ResolvedHeartbeat } from '../stages/heartbeat.options.js';
import { LIFETIME_RULES, type ResolvedLifetime } from '../stages/lifetime.options.js';
import type { RequestOptions } from './request.options.js';
import {
  CONTROLLER_TABLE,
  MODULE_TABLE,
  ROUTE_TABLE,
  STREAM_DEFAULTS,
  type SseModuleOptions,
  type SseOptions,
  type SseRouteOptions,
} from './sse.options.js';

/** The options of one route, with all defaults filled in. */
export interface ResolvedOptions
  extends ResolvedFormat, ResolvedEnding, ResolvedLifetime, ResolvedSlowClient, Required<RequestOptions> {
  heartbeat: false | ResolvedHeartbeat;
  limits: ResolvedLimit[];
}

/** The options of the module, checked once at start-up, with the defaults of the application filled in. */
export interface ModuleSettings
  extends Required<ConnectionsOptions>, Pick<SseModuleOptions, 'log' | 'runs' | 'slots' | 'onError'> {
  /** The options for all routes. {@link resolveOptions} adds those of the controller and the route. */
  readonly streams: SseOptions;
}

/** Two options of different subjects of which one could never have an effect. */
const RULES: readonly OptionRule<ResolvedOptions>[] = [
  ({ heartbeat, stallMs }) =>
    heartbeat !== false &&
    stallMs !== false &&
    heartbeat.intervalMs > stallMs && {
      option: 'stallMs',
      value: stallMs,
      remedy: `It is shorter than the heartbeat, ${heartbeat.intervalMs}. Use a longer one, or a shorter heartbeat.`,
    },
  ...LIFETIME_RULES,
  ...LIMITS_RULES,
  ...CONTRACT_RULES,
];

/**
 * Resolves the options of the module.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for unknown options, invalid values, and options that contradict each other.
 */
export function resolveModuleOptions(options: SseModuleOptions): ModuleSettings {
  checkOptions('SseModule', options, MODULE_TABLE);
  const { log, runs, slots, onError, maxQueuedBytes, shutdownMs, shutdownRetryMs, ...streams } = options;
  const settings: ModuleSettings = {
    ...CONNECTIONS_DEFAULTS,
    ...defined({ log, runs, slots, onError, maxQueuedBytes, shutdownMs, shutdownRetryMs }),
    streams: defined(streams),
  };
  checkRules('SseModule', resolved(settings.streams, {}, {}), RULES);
  return settings;
}

/**
 * Resolves the options of one route. Options of the route replace those of the controller, and these replace those of the
 * module.
 *
 * @param where the route as messages name it, `Class.method`
 * @param module {@link ModuleSettings.streams}
 * @throws {SseError} `SSE_INVALID_OPTIONS` for unknown options, invalid values, and options that contradict each other.
 */
export function resolveOptions(
  where: string,
  module: SseOptions,
  controller: SseOptions = {},
  route: SseRouteOptions = {},
): ResolvedOptions {
  checkOptions(`@SseDefaults() of ${where.split('.', 1)[0]}`, controller, CONTROLLER_TABLE);
  checkOptions(where, route, ROUTE_TABLE);
  const options = resolved(module, defined(controller), defined(route));
  checkRules(where, options, RULES);
  return options;
}

function resolved(module: SseOptions, controller: SseOptions, route: SseRouteOptions): ResolvedOptions {
  const { method: _method, maxPendingDataLength, events, ...ofRoute } = route;
  const own: SseOptions = { ...controller, ...ofRoute };
  const {
    limit: _limit,
    exclusive: _exclusive,
    validate,
    heartbeat: beats,
    errors,
    overflow,
    ...plain
  } = {
    complete: undefined,
    expiresAt: undefined,
    ...STREAM_DEFAULTS,
    ...module,
    ...own,
  };
  const heartbeat = beats === false ? false : resolveHeartbeat(beats, plain.serialize);
  return {
    ...plain,
    contract: (validate ?? !inProduction()) ? events : undefined,
    heartbeat,
    errors: resolveErrorEvent(errors),
    overflow: {
      ...STREAM_DEFAULTS.overflow,
      ...defined(overflow),
      ...fromNest(maxPendingDataLength),
      ...defined(route.overflow ?? {}),
    },
    // A heartbeat that is sent less often than the default limit raises that limit. A limit that was given is kept.
    stallMs:
      own.stallMs ??
      module.stallMs ??
      Math.max(plain.stallMs || 0, heartbeat === false ? 0 : heartbeat.intervalMs),
    limits: [...resolveLimits(module, true), ...resolveLimits(own, false)],
  };
}

function fromNest(max: number | undefined): { maxBytes?: number } {
  if (max === undefined) return {};
  return { maxBytes: max === 0 ? Infinity : max };
}

/** Removes options that are `undefined`, which must not hide those of a higher level. */
function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
