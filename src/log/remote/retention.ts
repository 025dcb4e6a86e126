import { checkOptions, checkRules, type OptionRule, type OptionTable } from '../../checking/option-check.js';
import { anyOf, func, none, periodMs, wholeNumber } from '../../checking/option-kinds.js';
import { quoted } from '../../errors/sse.errors.js';

/** Retention of a channel in a log on a server. */
export interface Retention {
  maxEvents?: number | false | undefined;
  maxBytes?: number | false | undefined;
  maxAgeMs?: number | false | undefined;
}

/** The options of a log on a server that say what it keeps. */
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

const RETENTION: OptionTable<Retention> = {
  maxEvents: anyOf(wholeNumber(1), none),
  maxBytes: byteCount,
  maxAgeMs: anyOf(periodMs, none),
};

/** The kinds of {@link RetentionOptions}. */
export const RETENTION_KINDS: OptionTable<RetentionOptions> = {
  ...RETENTION,
  retention: func('of a channel name that returns its retention'),
  maxEventBytes: byteCount,
};

const DEFAULTS = { maxEvents: 1000, maxBytes: 1_048_576, maxAgeMs: 600_000, maxEventBytes: 262_144 };

/**
 * Resolves the bounds of each channel. `server` is where the data is kept, for messages.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` if all limits are switched off. The returned function throws it if the
 * `retention` function returns an invalid value.
 */
export function resolveRetention(
  where: string,
  server: string,
  options: RetentionOptions,
): (channel: string) => Bounds {
  const rules = [unlimited(server)];
  const bounds = resolveBounds(where, options, rules);
  return (channel) => {
    const special = options.retention?.(channel);
    if (!special) return bounds;
    const place = `${where}, retention(${quoted(channel)})`;
    checkOptions(place, special, RETENTION);
    return resolveBounds(place, { ...options, ...defined(special) }, rules);
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
