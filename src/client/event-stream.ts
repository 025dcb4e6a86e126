import type { ReceivedEvent } from './received-event.js';

/**
 * The state of an {@link EventStream}. It is `idle` before the first `next()`, and `connecting` until the head of the response
 * has arrived. Then it is `open`. It is `waiting` before a reconnect, and `closed` after the end.
 */
export type EventStreamState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

/**
 * The events of one URL, across reconnects. The first `next()` makes the first request, and no more is read than you ask for.
 * There is one sequence: of several loops over a stream, each event goes to one.
 *
 * It is also an interop observable. `defer(() => connect(url))` of rxjs makes an Observable of it, which opens a connection for
 * each subscriber and closes it on `unsubscribe()`.
 */
export interface EventStream<Event = ReceivedEvent> {
  /** The state now. The option `onState` reports each change. */
  readonly state: EventStreamState;
  /** The last event ID of the events that were handed out. A reconnect sends it, and `after` takes it later. `''` before the first ID. */
  readonly lastEventId: string;
  /** Returns the next event. Calls that overlap are answered in their order. */
  next(): Promise<IteratorResult<Event, undefined>>;
  /** Closes the stream, as `close()` does. `break` calls it. */
  return(): Promise<IteratorResult<Event, undefined>>;
  /** Cancels the request and ends the iteration, as `break` does. Events that were received but not handed out are dropped. */
  close(): void;
  [Symbol.asyncIterator](): EventStream<Event>;
}
