import { systemClock, type Clock } from '../time/clock.js';
import { checkOptions, checkRules, type OptionRule, type OptionTable } from '../checking/option-check.js';
import { anyOf, having, none, periodMs, wholeNumber } from '../checking/option-kinds.js';

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
  /**
   * Memory for all channels together, in bytes. Each event counts 400 bytes in addition to its text, and each channel with
   * events 600 bytes, as measured. The channel whose last event is the oldest is evicted first. @default 67_108_864
   */
  maxTotalBytes?: number | false;
  /** A clock for tests. @default the system clock */
  clock?: Clock;
}

/** Resolved {@link MemoryLogOptions}. `Infinity` means unlimited. */
export interface MemoryLogLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly maxEventBytes: number;
  readonly maxTotalBytes: number;
  readonly clock: Clock;
}

/** The defaults of {@link MemoryLogOptions}. */
export const MEMORY_LOG_DEFAULTS: Readonly<Required<MemoryLogOptions>> = {
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

const bytes = anyOf(wholeNumber(1, 'a positive whole number of bytes'), none);
const TABLE: OptionTable<MemoryLogOptions> = {
  maxEvents: anyOf(wholeNumber(1), none),
  maxBytes: bytes,
  maxAgeMs: anyOf(periodMs, none),
  maxEventBytes: bytes,
  maxTotalBytes: bytes,
  clock: having(['now', 'schedule'], 'a clock'),
};

const RULES: readonly OptionRule<Required<MemoryLogOptions>>[] = [
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
  checkOptions('memoryLog()', options, TABLE);
  const given = { ...MEMORY_LOG_DEFAULTS, ...withoutUndefined(options) };
  const kept = keptBytes(given);
  if (options.maxEventBytes === undefined) {
    given.maxEventBytes = Math.min(bound(MEMORY_LOG_DEFAULTS.maxEventBytes), kept);
  }
  checkRules('memoryLog()', given, RULES);
  return {
    maxEvents: bound(given.maxEvents),
    maxBytes: bound(given.maxBytes),
    maxAgeMs: bound(given.maxAgeMs),
    maxEventBytes: Math.min(bound(given.maxEventBytes), kept),
    maxTotalBytes: bound(given.maxTotalBytes),
    clock: given.clock,
  };
}

/** The size of the largest event that can be kept. */
function keptBytes({ maxBytes, maxTotalBytes }: Required<MemoryLogOptions>): number {
  return Math.min(bound(maxBytes), bound(maxTotalBytes) - OVERHEAD_BYTES);
}

function bound(value: number | false): number {
  return value === false ? Infinity : value;
}

function withoutUndefined(options: MemoryLogOptions): MemoryLogOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
