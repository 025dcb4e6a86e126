import type { WithoutGaps } from '../channels/subscription.options.js';
import type { ChannelSubscription } from '../channels/subscription.js';
import type { AnyContract, EventOf } from '../events/event-contract.js';
import type { GapEvent, StoppedEvent } from '../events/library-events.js';
import type { AttachOptions } from './run.options.js';
import type { Run } from './run.js';

/** Options of `attach()` to a run with a contract. */
export type EventAttachOptions<Contract extends AnyContract> = AttachOptions<unknown, RunEvent<Contract>>;

/** An event of a run with a contract: one of the contract, or the last event of a run that was stopped. */
export type RunEvent<Contract extends AnyContract> = EventOf<Contract> | StoppedEvent;

/** A subscription to a run with a contract. */
export type RunSubscription<
  Contract extends AnyContract,
  Gaps extends GapEvent = GapEvent<'gap'>,
> = ChannelSubscription<unknown, Gaps, RunEvent<Contract>>;

/** A run that was started with a contract. */
export interface EventRun<Contract extends AnyContract> extends Omit<Run, 'attach'> {
  /** Subscribes to the events of the run, like {@link Runs.attach}. */
  attach(options: EventAttachOptions<Contract> & WithoutGaps): Promise<RunSubscription<Contract, never>>;
  attach<Gap extends string = 'gap'>(
    options?: EventAttachOptions<Contract> & { gap?: Gap | undefined },
  ): Promise<RunSubscription<Contract, GapEvent<Gap>>>;
}
