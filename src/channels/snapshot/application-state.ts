import { formatCursor, type ChannelKey, type FeedPosition } from '../../log/cursor.js';
import type { Awaitable } from '../../log/event-log.js';
import { chain, type ChannelState, type SnapshotReason, type StateSource } from './state-source.js';

/** The argument of a {@link SnapshotFunction}. */
export interface SnapshotContext {
  /**
   * The position that the snapshot will have, as the id of an event. It was fixed before the call: every event that is published
   * later follows the snapshot.
   */
  readonly position: string;
  /** Aborts when the subscription ends, because its client has left for example. */
  readonly signal: AbortSignal;
  /** `'start'` for a client without a cursor, `'gap'` if events after its cursor are not kept any more. */
  readonly reason: SnapshotReason;
}

/**
 * Returns the state of the application as events: a value, an event made by `event()`, or a sync or async iterable of them. A
 * string is a value. `undefined` sends nothing.
 */
export type SnapshotFunction<Value = unknown> = (
  context: SnapshotContext,
) =>
  | Value
  | Iterable<Value>
  | AsyncIterable<Value>
  | undefined
  | Promise<Value | Iterable<Value> | AsyncIterable<Value> | undefined>;

/** The state that a function of the application returns. */
export class ApplicationState implements StateSource {
  constructor(
    private readonly keys: readonly ChannelKey[],
    private readonly snapshot: SnapshotFunction,
    /** Fixes the position: the end of each channel. */
    private readonly locate: () => Awaitable<FeedPosition>,
  ) {}

  take(reason: SnapshotReason, signal: AbortSignal, fixed: () => void): Awaitable<ChannelState> {
    return chain(this.locate(), (at) => {
      fixed();
      const position = formatCursor(this.keys, at);
      const values = this.snapshot({ position, signal, reason }) as Awaitable<unknown>;
      return chain(values, (given) => ({ at, values: given }));
    });
  }
}
