import type { FeedPosition } from '../../log/cursor.js';
import type { Awaitable } from '../../log/event-log.js';
import type { LogRecord } from '../../log/log-record.js';

/** Why a subscription needs a state: its client has no cursor, or the events after the cursor are not kept any more. */
export type SnapshotReason = 'start' | 'gap';

/** A state of the channels of a subscription. */
export interface ChannelState {
  /** The position whose events follow the state. */
  readonly at: FeedPosition;
  /** The events of the state: a value, an event, or a sync or async iterable of them. `undefined` sends nothing. */
  readonly values?: unknown;
  /** The events of the state, if they are encoded already. */
  readonly records?: readonly LogRecord[];
}

/** Where a subscription gets the state that comes before its events. */
export interface StateSource {
  /** The subscription begins to read. */
  open?(): void;
  /**
   * Returns a state, or `undefined` if no state exists. Rejects with `SSE_LOG_UNAVAILABLE` while the log is unavailable. Errors of the
   * application are passed on.
   *
   * @param fixed Called once the log has answered with the position that the state will have.
   */
  take(reason: SnapshotReason, signal: AbortSignal, fixed: () => void): Awaitable<ChannelState | undefined>;
  /** The subscription has ended. */
  close?(): void;
}

/** Applies a function to a value, or to the value of a promise. A value is not turned into a promise. */
export function chain<T, U>(value: Awaitable<T>, apply: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(apply) : apply(value);
}
