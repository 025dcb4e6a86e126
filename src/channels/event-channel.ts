import type { AnyContract, EventOf } from '../events/event-contract.js';
import type { GapEvent } from '../events/library-events.js';
import type { SseEvent } from '../events/sse-event.js';
import type { PublishOptions } from './publish-in.js';
import type { ChannelSubscription } from './subscription.js';
import type { SubscribeOptions, WithoutGaps } from './subscription.options.js';

/** The events that a channel with a contract takes: those of the contract, and `comment()` and the like. */
export type Published<Contract extends AnyContract> = EventOf<Contract> | SseEvent<undefined, undefined>;

/** Options of a subscription to events of a contract. */
export type EventSubscribeOptions<Contract extends AnyContract> = SubscribeOptions<
  unknown,
  EventOf<Contract>
>;

/** A subscription to events of a contract: their union, which `type` tells apart, and gaps. */
export type EventSubscription<
  Contract extends AnyContract,
  Gaps extends GapEvent = GapEvent<'gap'>,
> = ChannelSubscription<unknown, Gaps, EventOf<Contract>>;

/** A channel with a contract. Made by `channels.channel(name, events)`. */
export interface EventChannel<Contract extends AnyContract> {
  readonly name: string;
  /**
   * Appends an event of the contract, or an array of them as neighbors, all or none. Resolves with the id, or ids, once the log
   * has them. With `tx` the events are part of that transaction, as for {@link Channel.publish}.
   *
   * @throws {SseError} as a rejection: `SSE_INVALID_EVENT` for data that breaks the contract, if `validate` is on, and the errors
   * of {@link Channel.publish}.
   */
  publish(event: Published<Contract>): Promise<string>;
  publish(events: readonly Published<Contract>[]): Promise<string[]>;
  publish(
    events: Published<Contract> | readonly Published<Contract>[],
    options: PublishOptions,
  ): Promise<void>;
  /** Subscribes to the events of the channel, like {@link Channel.subscribe}. */
  subscribe(options: EventSubscribeOptions<Contract> & WithoutGaps): EventSubscription<Contract, never>;
  subscribe<Gap extends string = 'gap'>(
    options?: EventSubscribeOptions<Contract> & { gap?: Gap | undefined },
  ): EventSubscription<Contract, GapEvent<Gap>>;
  /** The number of subscriptions to this channel in this process. */
  size(): number;
}
