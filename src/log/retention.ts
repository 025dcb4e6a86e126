import { checkOptions, checkRules, type OptionRule, type OptionTable } from '../checking/option-check.js';
import { anyOf, func, none, periodMs, wholeNumber } from '../checking/option-kinds.js';
import { immediate } from '../errors/guard.js';
import { attempt } from '../errors/legible.js';
import { quoted } from '../errors/sse.errors.js';

/** The limits of a channel. The limit that is reached first evicts the oldest events. `false` switches a limit off. */
export interface Retention {
  /** Events of the channel. */
  maxEvents?: number | false | undefined;
  /** Bytes of its encoded events. */
  maxBytes?: number | false | undefined;
  /** Milliseconds for which an event is kept. */
  maxAgeMs?: number | false | undefined;
}

/** The options of a log that say what it keeps. */
export interface RetentionOptions extends Retention {
  retention?: ((channel: string) => Retention | undefined) | undefined;
  maxEventBytes?: number | false | undefined;
}

/** Resolved {@link Retention}. 0 means unlimited. */
export interface Bounds {
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** `Infinity` means unlimited. */
  readonly maxEventBytes: number;
}

/** The option kind of a size in bytes. */
export const byteCount = anyOf(wholeNumber(1, 'a positive whole number of bytes'), none);

/** The kinds of {@link Retention}. */
export const RETENTION_TABLE: OptionTable<Retention> = {
  maxEvents: anyOf(wholeNumber(1), none),
  maxBytes: byteCount,
  maxAgeMs: anyOf(periodMs, none),
};

/** The kinds of {@link RetentionOptions}. */
export const RETENTION_KINDS: OptionTable<RetentionOptions> = {
  ...RETENTION_TABLE,
  retention: func('of a channel name that returns its retention'),
  maxEventBytes: byteCount,
};

const DEFAULTS = { maxEvents: 1000, maxBytes: 1_048_576, maxAgeMs: 600_000, maxEventBytes: 262_144 };

/** Resolves the limits of each channel. */
export interface Retentions {
  /** The limits of channels for which nothing else is set. */
  readonly usual: Bounds;
  /** @throws {SseError} `SSE_INVALID_OPTIONS` if the `retention` function returns an invalid value. */
  bounds(channel: string): Bounds;
  /**
   * Like {@link bounds}, but never throws. The usual limits apply to a channel for which the `retention` function fails. For events
   * that were accepted: nobody could receive the error.
   */
  boundsOrUsual(channel: string): Bounds;
  /**
   * See {@link EventLog.retain}.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` if all limits of these channels would be switched off.
   */
  retain(prefix: string, retention: Retention): void;
}

/**
 * Resolves the options of a log. `server` is where the data is kept, for messages.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` if all limits are switched off.
 */
export function resolveRetention(where: string, server: string, options: RetentionOptions): Retentions {
  const rules = [unlimited(server)];
  const usual = resolveBounds(where, options, rules);
  const retained = new Map<string, Bounds>();
  const bounds = (channel: string): Bounds => {
    const special = immediate(options.retention?.(channel), 'retention');
    if (special) {
      const place = `${where}, retention(${quoted(channel)})`;
      checkOptions(place, special, RETENTION_TABLE);
      return resolveBounds(place, { ...options, ...defined(special) }, rules);
    }
    for (const [prefix, limits] of retained) if (channel.startsWith(prefix)) return limits;
    return usual;
  };
  return {
    usual,
    retain: (prefix, retention) => {
      const place = `${where}, channels that begin with ${quoted(prefix)}`;
      retained.set(prefix, resolveBounds(place, { ...options, ...defined(retention) }, rules));
    },
    bounds,
    boundsOrUsual: (channel) => attempt(() => bounds(channel), usual),
  };
}

function unlimited(server: string): OptionRule<Required<Retention>> {
  return ({ maxEvents, maxBytes, maxAgeMs }) =>
    maxEvents === false &&
    maxBytes === false &&
    maxAgeMs === false && {
      option: 'maxAgeMs',
      value: maxAgeMs,
      remedy: `Without any limit the data in ${server} grows forever. Keep at least one of the limits.`,
    };
}

function resolveBounds(
  where: string,
  given: RetentionOptions,
  rules: readonly OptionRule<Required<Retention>>[],
): Bounds {
  const {
    maxEvents = DEFAULTS.maxEvents,
    maxBytes = DEFAULTS.maxBytes,
    maxAgeMs = DEFAULTS.maxAgeMs,
    maxEventBytes = DEFAULTS.maxEventBytes,
  } = given;
  checkRules(where, { maxEvents, maxBytes, maxAgeMs }, rules);
  return {
    maxEvents: maxEvents || 0,
    maxBytes: maxBytes || 0,
    maxAgeMs: maxAgeMs || 0,
    maxEventBytes: Math.min(maxEventBytes || Infinity, maxBytes || Infinity),
  };
}

function defined(retention: Retention): Retention {
  return Object.fromEntries(Object.entries(retention).filter(([, value]) => value !== undefined));
}
