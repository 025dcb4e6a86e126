import type { LoggerService } from '@nestjs/common';
import { systemClock, type Clock } from '../time/clock.js';
import type { Emits, Serialize } from '../events/to-event.js';
import type { OptionTable } from '../checking/option-check.js';
import { anyOf, delayMs, eventType, flag, func, having, none, oneOf } from '../checking/option-kinds.js';
import type { ErrorContext } from '../errors/error-reports.js';
import { READER_TABLE, type SubscribeOptions } from '../channels/subscription.options.js';

/** Options of one run. */
export interface RunOptions {
  /**
   * Stops the run when it has had no viewers for this many milliseconds, counted from its start. Time in which the log was
   * unavailable does not count. Checked eight times per interval. @default false
   */
  orphanMs?: number | false | undefined;
  /** The type of the last event of a run that was stopped. `false` sends none. @default 'stopped' */
  stopped?: string | false | undefined;
  /** `'events'` sends values with the shape of a MessageEvent as events. `'data'` sends every value as payload. @default 'events' */
  emits?: Emits | undefined;
  /** Returns the run that is already running, instead of failing with `SSE_RUN_EXISTS`. @default false */
  attachIfRunning?: boolean | undefined;
}

/** Defaults for all runs of an application. Options of `start()` override them. */
export interface RunsOptions extends Omit<RunOptions, 'attachIfRunning'> {
  /**
   * Milliseconds of silence after which the node of a run counts as dead. A node renews its lease three times in that time. All
   * nodes must use the same value, and the log must keep events for longer. @default 15_000
   */
  leaseMs?: number | undefined;
  /** Serializes payloads that are not strings. @default JSON.stringify */
  serialize?: Serialize | undefined;
  /** Called with every error that a run logs. @default the option of the module */
  onError?: ((error: unknown, context: ErrorContext) => unknown) | undefined;
  /** A clock for tests. @default the system clock */
  clock?: Clock | undefined;
  /** Logs runs that fail or are lost. @default the logger of Nest */
  logger?: Pick<LoggerService, 'error' | 'warn'> | undefined;
}

const OF_ALL = {
  orphanMs: anyOf(delayMs(1), none),
  stopped: anyOf(none, eventType),
  emits: oneOf('events', 'data'),
} satisfies OptionTable<Omit<RunOptions, 'attachIfRunning'>>;

/** Options of `Runs.start()`. */
export const RUN_TABLE: OptionTable<RunOptions> = { ...OF_ALL, attachIfRunning: flag };

/** The option `runs` of the module. */
export const RUNS_TABLE: OptionTable<RunsOptions> = {
  ...OF_ALL,
  leaseMs: delayMs(1),
  serialize: func('that makes text of a value, such as JSON.stringify'),
  onError: func('of the error and its context'),
  clock: having(['now', 'schedule'], 'a clock'),
  logger: having(['error', 'warn'], 'a logger'),
};

/** Options of `Runs.attach()`. */
export interface AttachOptions<T = unknown> extends Pick<SubscribeOptions<T>, 'signal' | 'filter' | 'gap'> {
  /** The id of the last event that the client has received. Without an id, the run is sent from its beginning. */
  after?: string | undefined;
}

/** Options of `Runs.attach()`. */
export const ATTACH_TABLE: OptionTable<AttachOptions> = READER_TABLE;

/** {@link RunsOptions} with all defaults filled in. */
export interface RunSettings {
  readonly orphanMs: number | false;
  readonly stopped: string | false;
  readonly emits: Emits;
  readonly leaseMs: number;
  readonly serialize: Serialize;
  readonly clock: Clock;
}

const DEFAULTS: RunSettings = {
  orphanMs: false,
  stopped: 'stopped',
  emits: 'events',
  leaseMs: 15_000,
  serialize: JSON.stringify as Serialize,
  clock: systemClock,
};

/** Resolves checked options, with other settings as their defaults. */
export function resolveRunOptions(options: RunsOptions, defaults: RunSettings = DEFAULTS): RunSettings {
  const { orphanMs, stopped, emits, leaseMs, serialize, clock } = options;
  return {
    orphanMs: orphanMs ?? defaults.orphanMs,
    stopped: stopped ?? defaults.stopped,
    emits: emits ?? defaults.emits,
    leaseMs: leaseMs ?? defaults.leaseMs,
    serialize: serialize ?? defaults.serialize,
    clock: clock ?? defaults.clock,
  };
}
