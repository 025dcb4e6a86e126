import { systemClock, type Clock } from '../time/clock.js';
import { checkOptions, checkRules, type OptionRule, type OptionTable } from '../checking/option-check.js';
import { having } from '../checking/option-kinds.js';
import { immediate } from '../errors/guard.js';
import { quoted } from '../errors/sse.errors.js';
import { RETENTION_KINDS, RETENTION_TABLE, byteCount, type Retention } from './retention.js';

/** Options of {@link memoryLog}. The limit that is reached first evicts the oldest events. `false` switches a limit off. */
export interface MemoryLogOptions {
  /** Events kept per channel. @default 1000 */
  maxEvents?: number | false;
  /** Bytes of encoded events kept per channel. @default 1_048_576 */
  maxBytes?: number | false;
  /** Milliseconds for which an event is kept. @default 600_000 */
  maxAgeMs?: number | false;
  /** Maximum size of one encoded event. A larger event is rejected. @default 262_144, or `maxBytes` if that is less */
  maxEventBytes?: number | false;
  /** Retention of a channel if it differs. Asked when the channel is used first. @default the same for all channels */
  retention?: (channel: string) => Retention | undefined;
  /**
   * Memory for all channels together, in bytes. Each event counts 400 bytes in addition to its text, and each channel with
   * events 600 bytes, as measured. The channel whose last event is the oldest is evicted first. @default 67_108_864
   */
  maxTotalBytes?: number | false;
  /** A clock for tests. @default the system clock */
  clock?: Clock;
}

/** The limits of one channel. `Infinity` means unlimited. */
export type ChannelLimits = Readonly<Record<'maxEvents' | 'maxBytes' | 'maxAgeMs' | 'maxEventBytes', number>>;

/** Resolved {@link MemoryLogOptions}. */
export interface MemoryLogLimits {
  /** `Infinity` means unlimited. */
  readonly maxTotalBytes: number;
  readonly clock: Clock;
  /** @throws {SseError} `SSE_INVALID_OPTIONS` if the `retention` function returns an invalid value. */
  of(channel: string): ChannelLimits;
  /** See {@link EventLog.retain}. */
  retain(prefix: string, retention: Retention): void;
}

/** The defaults of {@link MemoryLogOptions}. */
export const MEMORY_LOG_DEFAULTS: Readonly<Required<Omit<MemoryLogOptions, 'retention'>>> = {
  maxEvents: 1000,
  maxBytes: 1_048_576,
  maxAgeMs: 600_000,
  maxEventBytes: 262_144,
  maxTotalBytes: 67_108_864,
  clock: systemClock,
};

/** Memory of an event and of a channel besides their text, as measured with Node 20, rounded up. */
export const ENTRY_OVERHEAD_BYTES = 400;
export const CHANNEL_OVERHEAD_BYTES = 600;
const OVERHEAD_BYTES = ENTRY_OVERHEAD_BYTES + CHANNEL_OVERHEAD_BYTES;

const TABLE: OptionTable<MemoryLogOptions> = {
  ...RETENTION_KINDS,
  maxTotalBytes: byteCount,
  clock: having(['now', 'schedule'], 'a clock'),
};

type Given = Required<Omit<MemoryLogOptions, 'retention'>>;

const RULES: readonly OptionRule<Given>[] = [
  ({ maxEvents, maxBytes, maxAgeMs, maxTotalBytes }) =>
    [maxEvents, maxBytes, maxAgeMs, maxTotalBytes].every((limit) => limit === false) && {
      option: 'maxTotalBytes',
      value: maxTotalBytes,
      remedy: 'Without any limit the memory grows forever. Keep at least one of the limits.',
    },
  ({ maxTotalBytes }) =>
    bound(maxTotalBytes) <= OVERHEAD_BYTES && {
      option: 'maxTotalBytes',
      value: maxTotalBytes,
      remedy: `The first event of a channel counts ${OVERHEAD_BYTES} bytes in addition to its text. Leave room for many events.`,
    },
  (options) =>
    options.maxEventBytes !== false &&
    options.maxEventBytes > keptBytes(options) && {
      option: 'maxEventBytes',
      value: options.maxEventBytes,
      remedy:
        `The log keeps ${keptBytes(options)} bytes, so it could never store an event of this size. ` +
        'Lower "maxEventBytes", or raise "maxBytes" and "maxTotalBytes".',
    },
];

/**
 * Resolves the limits of a memory log.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for unknown or invalid options, if `maxEventBytes` is larger than the log, or if all
 * limits are switched off.
 */
export function resolveMemoryLogOptions(options: MemoryLogOptions): MemoryLogLimits {
  const where = 'memoryLog()';
  checkOptions(where, options, TABLE);
  const { maxTotalBytes, clock } = { ...MEMORY_LOG_DEFAULTS, ...withoutUndefined(options) };
  const usual = resolveLimits(where, options);
  const retained = new Map<string, ChannelLimits>();
  return {
    maxTotalBytes: bound(maxTotalBytes),
    clock,
    retain: (prefix, retention) => {
      const place = `${where}, channels that begin with ${quoted(prefix)}`;
      retained.set(prefix, resolveLimits(place, options, retention));
    },
    of: (channel) => {
      const special = immediate(options.retention?.(channel), 'retention');
      if (special) {
        const place = `${where}, retention(${quoted(channel)})`;
        checkOptions(place, special, RETENTION_TABLE);
        return resolveLimits(place, options, special);
      }
      for (const [prefix, limits] of retained) if (channel.startsWith(prefix)) return limits;
      return usual;
    },
  };
}

function resolveLimits(where: string, options: MemoryLogOptions, special: Retention = {}): ChannelLimits {
  const given: Given = { ...MEMORY_LOG_DEFAULTS, ...withoutUndefined(options), ...withoutUndefined(special) };
  const kept = keptBytes(given);
  if (options.maxEventBytes === undefined) {
    given.maxEventBytes = Math.min(bound(MEMORY_LOG_DEFAULTS.maxEventBytes), kept);
  }
  checkRules(where, given, RULES);
  return {
    maxEvents: bound(given.maxEvents),
    maxBytes: bound(given.maxBytes),
    maxAgeMs: bound(given.maxAgeMs),
    maxEventBytes: Math.min(bound(given.maxEventBytes), kept),
  };
}

/** The size of the largest event that can be kept. */
function keptBytes({ maxBytes, maxTotalBytes }: Given): number {
  return Math.min(bound(maxBytes), bound(maxTotalBytes) - OVERHEAD_BYTES);
}

function bound(value: number | false): number {
  return value === false ? Infinity : value;
}

function withoutUndefined(options: MemoryLogOptions): MemoryLogOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
