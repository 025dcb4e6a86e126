import type { LoggerService } from '@nestjs/common';
import { systemClock, type Clock } from '../time/clock.js';
import type { Emits, Serialize } from '../events/to-event.js';
import type { OptionTable } from '../checking/option-check.js';
import { anyOf, delayMs, eventType, flag, func, having, none, oneOf } from '../checking/option-kinds.js';
import { READER_TABLE, type SubscribeOptions } from '../channels/subscription.options.js';

/** How one run behaves. */
export interface RunOptions {
  /**
   * Stops the run when nobody has viewed it for so many milliseconds, its beginning included. Checked eight times in
   * that time. @default false
   */
  orphanMs?: number | false | undefined;
  /** The type of the event that viewers of a run that was stopped get last; `false` for none. @default 'stopped' */
  stopped?: string | false | undefined;
  /** What the source's values are: MessageEvents where they look like one, or payload always. @default 'events' */
  emits?: Emits | undefined;
  /** Gives the run that is there instead of `SSE_RUN_EXISTS`. @default false */
  attachIfRunning?: boolean | undefined;
}

/** How all runs of an application behave, where `start()` does not say otherwise. */
export interface RunsOptions extends Omit<RunOptions, 'attachIfRunning'> {
  /**
   * Milliseconds of silence after which the node of a run is taken for dead; it says that it lives three times in that
   * time. The log must keep events for longer. All nodes must agree. @default 15_000
   */
  leaseMs?: number | undefined;
  /** Writes payloads that are not strings. @default JSON.stringify */
  serialize?: Serialize | undefined;
  /** The time, for tests. @default the machine's */
  clock?: Clock | undefined;
  /** Who is told of runs that fail. @default Nest's logger */
  logger?: Pick<LoggerService, 'error' | 'warn'> | undefined;
}

const OF_ALL = {
  orphanMs: anyOf(delayMs(1), none),
  stopped: anyOf(none, eventType),
  emits: oneOf('events', 'data'),
} satisfies OptionTable<Omit<RunOptions, 'attachIfRunning'>>;

/** Of `Runs.start()`. */
export const RUN_TABLE: OptionTable<RunOptions> = { ...OF_ALL, attachIfRunning: flag };

/** Of the option `runs` of the module. */
export const RUNS_TABLE: OptionTable<RunsOptions> = {
  ...OF_ALL,
  leaseMs: delayMs(1),
  serialize: func('that makes text of a value, such as JSON.stringify'),
  clock: having(['now', 'schedule'], 'a clock'),
  logger: having(['error', 'warn'], 'a logger'),
};

/** From where on to view a run. */
export interface AttachOptions<T = unknown> extends Pick<SubscribeOptions<T>, 'signal' | 'filter' | 'gap'> {
  /** The id of the last event that is known already: what follows it comes. Without one, all from the beginning. */
  after?: string | undefined;
}

/** Of `attach()`. */
export const ATTACH_TABLE: OptionTable<AttachOptions> = READER_TABLE;

/** {@link RunsOptions} with every question answered. */
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

/** Settings with these options, which have been checked, over them. */
export function resolveRunOptions(options: RunsOptions, over: RunSettings = DEFAULTS): RunSettings {
  const { orphanMs, stopped, emits, leaseMs, serialize, clock } = options;
  return {
    orphanMs: orphanMs ?? over.orphanMs,
    stopped: stopped ?? over.stopped,
    emits: emits ?? over.emits,
    leaseMs: leaseMs ?? over.leaseMs,
    serialize: serialize ?? over.serialize,
    clock: clock ?? over.clock,
  };
}
