import { systemClock, type Clock } from '../time/clock.js';
import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { anything, having } from '../checking/option-kinds.js';
import { SseError, quoted } from '../errors/sse.errors.js';

/** What {@link memoryLog} keeps. A bound that is `false` is none; whichever is reached first evicts the oldest. */
export interface MemoryLogOptions {
  /** Events kept per channel. @default 1000 */
  maxEvents?: number | false;
  /** Bytes of encoded events kept per channel. @default 1_048_576 */
  maxBytes?: number | false;
  /** Milliseconds an event is kept. @default 600_000 */
  maxAgeMs?: number | false;
  /** Bytes one encoded event may have; a bigger one is refused. @default 262_144, or `maxBytes` if that is less */
  maxEventBytes?: number | false;
  /** Bytes kept over all channels, 256 added for each event; the channel published to longest ago gives way. @default 67_108_864 */
  maxTotalBytes?: number | false;
  /** The time, for tests. @default the machine's */
  clock?: Clock;
}

/** {@link MemoryLogOptions} with every question answered; `Infinity` is no bound. */
export interface MemoryLogLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly maxEventBytes: number;
  readonly maxTotalBytes: number;
  readonly clock: Clock;
}

/** What {@link memoryLog} does when nothing else is said. */
export const MEMORY_LOG_DEFAULTS: Readonly<Required<MemoryLogOptions>> = {
  maxEvents: 1000,
  maxBytes: 1_048_576,
  maxAgeMs: 600_000,
  maxEventBytes: 262_144,
  maxTotalBytes: 67_108_864,
  clock: systemClock,
};

/** What an event is taken to cost besides its text, where the bound is on memory as a whole. */
export const ENTRY_OVERHEAD_BYTES = 256;

// The bounds are looked at by `resolveMemoryLogOptions()`.
const TABLE: OptionTable<MemoryLogOptions> = {
  maxEvents: anything,
  maxBytes: anything,
  maxAgeMs: anything,
  maxEventBytes: anything,
  maxTotalBytes: anything,
  clock: having(['now', 'schedule'], 'a clock'),
};

const BOUNDS = ['maxEvents', 'maxBytes', 'maxAgeMs', 'maxEventBytes', 'maxTotalBytes'] as const;

/**
 * The limits that options stand for.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for an unknown key, a bound that is not a positive whole number, an event size beyond what is
 * kept, or options that bound nothing.
 */
export function resolveMemoryLogOptions(options: MemoryLogOptions): MemoryLogLimits {
  checkOptions('memoryLog()', options, TABLE);
  const given = { ...MEMORY_LOG_DEFAULTS, ...withoutUndefined(options) };
  for (const name of BOUNDS) {
    const value = given[name];
    if (value === false || (Number.isSafeInteger(value) && value > 0)) continue;
    throw invalid(
      `memoryLog({ ${name}: ${quoted(value)} })`,
      'Give a whole number above 0, or false for no bound.',
    );
  }
  const { maxEvents, maxBytes, maxAgeMs, maxTotalBytes } = given;
  if (maxEvents === false && maxBytes === false && maxAgeMs === false && maxTotalBytes === false) {
    throw invalid(
      'memoryLog() without any bound',
      'Leave at least one of the bounds on, or memory grows for ever.',
    );
  }
  const kept = Math.min(bound(maxBytes), bound(maxTotalBytes) - ENTRY_OVERHEAD_BYTES);
  if (kept < 1) {
    throw invalid(
      `memoryLog({ maxTotalBytes: ${String(maxTotalBytes)} })`,
      `Each event counts ${ENTRY_OVERHEAD_BYTES} bytes more than its text: give room for many.`,
    );
  }
  const { maxEventBytes = Math.min(bound(MEMORY_LOG_DEFAULTS.maxEventBytes), kept) } = options;
  if (maxEventBytes !== false && maxEventBytes > kept) {
    throw invalid(
      `memoryLog({ maxEventBytes: ${maxEventBytes} }) with ${kept} bytes kept`,
      'An event of the greatest size could never be kept: raise "maxBytes" and "maxTotalBytes", or lower "maxEventBytes".',
    );
  }
  return {
    maxEvents: bound(maxEvents),
    maxBytes: bound(maxBytes),
    maxAgeMs: bound(maxAgeMs),
    maxEventBytes: Math.min(bound(maxEventBytes), kept),
    maxTotalBytes: bound(maxTotalBytes),
    clock: given.clock,
  };
}

function bound(value: number | false): number {
  return value === false ? Infinity : value;
}

function withoutUndefined(options: MemoryLogOptions): MemoryLogOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function invalid(what: string, remedy: string): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `${what} is not possible.`, { remedy });
}
