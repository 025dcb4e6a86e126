import type { ReceivedEvents } from './received-event.js';

/**
 * Where an {@link EventStream} is: not asked for anything yet, waiting for a response, reading one, waiting before the
 * next request, or over for good.
 */
export type EventStreamState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

/**
 * The events of one URL, across reconnects. The first `next()` makes the first request, and no more is read than was
 * asked for. There is one sequence, however many iterate it: each event goes to one of them.
 */
export interface EventStream<Map extends object = Record<string, unknown>> {
  /** What the stream is doing now; `onRetry` tells when it is about to reconnect. */
  readonly state: EventStreamState;
  /** The last event ID of what was handed out: what a reconnect sends, and what `after` takes later. `''` if none. */
  readonly lastEventId: string;
  /** The next event. Calls that overlap are answered in their order. */
  next(): Promise<IteratorResult<ReceivedEvents<Map>, undefined>>;
  /** What `break` calls: the same as `close()`. */
  return(): Promise<IteratorResult<ReceivedEvents<Map>, undefined>>;
  /** Cancels the request and ends the iteration, as `break` does. What was received and not handed out is dropped. */
  close(): void;
  [Symbol.asyncIterator](): EventStream<Map>;
}
