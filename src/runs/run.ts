import type { RunStatus } from './run-outcome.js';
import type { AttachOptions } from './run.options.js';
import type { ChannelSubscription } from '../channels/subscription.js';
import type { WithoutGaps } from '../channels/subscription.options.js';

/** A run that is running, on this node or another one. */
export interface RunningRun {
  readonly id: string;
  /** The name of its node: the option `runs.node` of the module. */
  readonly node: string;
  /** When it was started, by the clock of its node. */
  readonly startedAt: Date;
  /** The id of its last event. `attach(id, { after })` sends what comes after it. */
  readonly lastEventId: string;
}

/** @internal A run of this process. */
export interface OwnedRun {
  readonly id: string;
  readonly status: RunStatus;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The viewers on this node. */
  readonly viewers: number;
}

/** A run that was started on this node or another one. The object holds only its id. */
export class Run {
  /** @internal Made by `Runs.start()`. */
  constructor(
    readonly id: string,
    /** True if this call has started the run, `false` if it was already running (`attachIfRunning`). */
    readonly started: boolean,
    private readonly attachTo: (
      id: string,
      options?: AttachOptions<never>,
    ) => Promise<ChannelSubscription<never>>,
    private readonly stopRun: (id: string) => Promise<boolean>,
    private readonly statusOf: (id: string) => Promise<RunStatus | undefined>,
  ) {}

  /** The JSON of a run that a handler returns: its id, and whether this call started it. */
  toJSON(): { id: string; started: boolean } {
    const { id, started } = this;
    return { id, started };
  }

  /** Subscribes to the events of the run, like `Runs.attach()`. */
  attach<T = unknown>(options: AttachOptions<T> & WithoutGaps): Promise<ChannelSubscription<T, never>>;
  attach<T = unknown>(options?: AttachOptions<T>): Promise<ChannelSubscription<T>>;
  attach<T = unknown>(options?: AttachOptions<T>): Promise<ChannelSubscription<T>> {
    return this.attachTo(this.id, options as AttachOptions<never>) as Promise<ChannelSubscription<T>>;
  }

  /** Stops the run, like `Runs.stop()`. */
  stop(): Promise<boolean> {
    return this.stopRun(this.id);
  }

  /** Returns the status of the run, like `Runs.status()`. */
  status(): Promise<RunStatus | undefined> {
    return this.statusOf(this.id);
  }
}
