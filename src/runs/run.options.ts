import type { LoggerService } from '@nestjs/common';
import { systemClock, type Clock } from '../time/clock.js';
import type { Emits, Serialize } from '../events/to-event.js';
import type { OptionTable } from '../checking/option-check.js';
import { eventType } from '../checking/event-kinds.js';
import { anyOf, delayMs, flag, func, group, having, kind, none, oneOf } from '../checking/option-kinds.js';
import type { ErrorContext } from '../errors/error-reports.js';
import { inProduction } from '../environment.js';
import { nodeName } from '../node-name.js';
import { isContract, type AnyContract } from '../events/event-contract.js';
import type { SseEvent } from '../events/sse-event.js';
import { RETENTION_TABLE, type Retention } from '../log/retention.js';
import type { AnyFold } from '../channels/folds/fold.js';
import { READER_TABLE, type ChannelEvent, type SubscribeOptions } from '../channels/subscription.options.js';

/** Options of one run. */
export interface RunOptions<Contract extends AnyContract = AnyContract> {
  /**
   * The events that the run can have, made by `defineEvents()`: the compiler checks the source, and `validate` its data.
   * @default any event
   */
  events?: Contract | undefined;
  /** Validates the events of a run with a contract. @default the option of the module, true unless `NODE_ENV` is `'production'` */
  validate?: boolean | undefined;
  /**
   * Stops the run when it has had no viewers for this many milliseconds, counted from its start. Time in which the log was
   * unavailable does not count. Checked eight times per interval. @default false
   */
  orphanMs?: number | false | undefined;
  /** The type of the last event of a run that was stopped. `false` sends none. @default 'stopped' */
  stopped?: string | false | undefined;
  /** `'events'` sends values with the shape of a MessageEvent as events. `'data'` sends every value as payload. @default 'events' */
  emits?: Emits | undefined;
  /**
   * Folds the events into a state. Viewers without an id, or whose id is not kept any more, get the state and then the events that
   * follow it. Nodes on which clients attach need the same fold: as an option of the module, or of `attach()`. @default none
   */
  fold?: AnyFold | false | undefined;
  /** Returns the run that is already running, instead of failing with `SSE_RUN_EXISTS`. @default false */
  attachIfRunning?: boolean | undefined;
}

/** Defaults for all runs of an application. Options of `start()` override them. */
export interface RunsOptions extends Omit<RunOptions, 'attachIfRunning' | 'events'> {
  /**
   * Milliseconds of silence after which the node of a run counts as dead. A node renews its lease three times in that time. All
   * nodes must use the same value, and the log must keep events for longer. @default 15_000
   */
  leaseMs?: number | undefined;
  /**
   * The limits of the events of a run. Its state is kept as long as they are. The `retention` of the log counts more. @default the limits of the log
   */
  retention?: Retention | undefined;
  /** The name of this node in `Runs.list()`. @default the host name and the process ID */
  node?: string | undefined;
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
  validate: flag,
  fold: READER_TABLE.fold,
} satisfies OptionTable<Omit<RunOptions, 'attachIfRunning' | 'events'>>;

const contract = kind(isContract, 'a contract: defineEvents({ … })');

/** Options of `Runs.start()`. */
export const RUN_TABLE: OptionTable<RunOptions> = { ...OF_ALL, events: contract, attachIfRunning: flag };

/** The option `runs` of the module. */
export const RUNS_TABLE: OptionTable<RunsOptions> = {
  ...OF_ALL,
  leaseMs: delayMs(1),
  retention: group(RETENTION_TABLE),
  node: kind((value) => typeof value === 'string' && value !== '', 'a name'),
  serialize: func('that makes text of a value, such as JSON.stringify'),
  onError: func('of the error and its context'),
  clock: having(['now', 'schedule'], 'a clock'),
  logger: having(['error', 'warn'], 'a logger'),
};

/** Options of `Runs.attach()`. */
export interface AttachOptions<T = unknown, Event extends SseEvent = ChannelEvent<T>> extends Pick<
  SubscribeOptions<T, Event>,
  'signal' | 'filter' | 'gap' | 'snapshot' | 'fold'
> {
  /** The id of the last event that the client has received. Without an id, the run is sent from its beginning. */
  after?: string | undefined;
  /**
   * The answer if there is no run.
   *
   * - `404`: an id that was never started, or that the log has forgotten, is an error. A run that has ended is sent again.
   * - `204`: only a run that is running is sent. Otherwise the result is a `Response` with this status, which stops an `EventSource`.
   * - `'wait'`: only a run that is running is sent. Otherwise the subscription waits for the next start of the id.
   *
   * With `204` and `'wait'`, a client with the id of an event of the run that has ended still gets the rest of it. @default 404
   */
  none?: 404 | 204 | 'wait' | undefined;
}

/** Options of `Runs.attach()`. */
export const ATTACH_TABLE: OptionTable<AttachOptions & { events: AnyContract }> = {
  ...READER_TABLE,
  events: contract,
  none: kind((value) => value === 404 || value === 204 || value === 'wait', '404', '204', "'wait'"),
};

/** {@link RunsOptions} with all defaults filled in. */
export interface RunSettings {
  readonly orphanMs: number | false;
  readonly stopped: string | false;
  readonly emits: Emits;
  readonly validate: boolean;
  /** The contract by which the values of the run are validated. */
  readonly contract: AnyContract | undefined;
  readonly leaseMs: number;
  /** The name of this node. */
  readonly node: string;
  readonly serialize: Serialize;
  readonly clock: Clock;
  readonly fold: AnyFold | false;
}

const DEFAULTS: Omit<RunSettings, 'validate' | 'contract' | 'node'> = {
  orphanMs: false,
  stopped: 'stopped',
  emits: 'events',
  leaseMs: 15_000,
  serialize: JSON.stringify as Serialize,
  clock: systemClock,
  fold: false,
};

/** Resolves checked options, with other settings as their defaults. */
export function resolveRunOptions(
  options: RunsOptions & RunOptions,
  defaults: RunSettings = {
    ...DEFAULTS,
    validate: !inProduction(),
    contract: undefined,
    node: nodeName(),
  },
): RunSettings {
  const { orphanMs, stopped, emits, leaseMs, node, serialize, clock, events, fold } = options;
  const validate = options.validate ?? defaults.validate;
  return {
    orphanMs: orphanMs ?? defaults.orphanMs,
    stopped: stopped ?? defaults.stopped,
    emits: emits ?? defaults.emits,
    validate,
    contract: validate ? events : undefined,
    leaseMs: leaseMs ?? defaults.leaseMs,
    node: node ?? defaults.node,
    serialize: serialize ?? defaults.serialize,
    clock: clock ?? defaults.clock,
    fold: fold ?? defaults.fold,
  };
}
