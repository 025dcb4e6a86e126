import type { RunStatus } from './run-outcome.js';
import type { AttachOptions } from './run.options.js';
import type { Runs } from './runs.js';
import type { ChannelSubscription } from '../channels/subscription.js';
import type { WithoutGaps } from '../channels/subscription.options.js';

/** A run that was started, wherever that was. Holds nothing but its id. */
export class Run {
  /** @internal Made by `Runs.start()`. */
  constructor(
    readonly id: string,
    /** Whether this call started it; `false` if it ran already (`attachIfRunning`). */
    readonly started: boolean,
    private readonly runs: Runs,
  ) {}

  /** What a handler answers with that returns a run: its id, and whether this call started it. */
  toJSON(): { id: string; started: boolean } {
    const { id, started } = this;
    return { id, started };
  }

  /** Like `Runs.attach()`. */
  attach<T = unknown>(options: AttachOptions<T> & WithoutGaps): Promise<ChannelSubscription<T, never>>;
  attach<T = unknown>(options?: AttachOptions<T>): Promise<ChannelSubscription<T>>;
  attach<T = unknown>(options?: AttachOptions<T>): Promise<ChannelSubscription<T>> {
    return this.runs.attach(this.id, options);
  }

  /** Like `Runs.stop()`. */
  stop(): Promise<boolean> {
    return this.runs.stop(this.id);
  }

  /** Like `Runs.status()`. */
  status(): Promise<RunStatus | undefined> {
    return this.runs.status(this.id);
  }
}
