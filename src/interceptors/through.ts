import { Observable, type OperatorFunction } from 'rxjs';
import type { Sink } from '../events/sink.js';
import { SseEvent, isSseEvent } from '../events/sse-event.js';

/** A stage that may hold something, such as a timer, until its stream is over. */
export interface Stage<T> extends Sink<T> {
  stop?(): void;
}

/** A stage as an rxjs operator, for those who compose Nest interceptors. */
export function through<A>(make: (out: Sink<SseEvent>) => Stage<A>): OperatorFunction<A, SseEvent> {
  return (source) =>
    new Observable<SseEvent>((subscriber) => {
      const stage = make({
        next: (event) => subscriber.next(copyOf(event)),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      const subscription = source.subscribe(stage);
      subscriber.add(() => {
        subscription.unsubscribe();
        stage.stop?.();
      });
    });
}

// Nest 11 writes the id that it makes into the event, which may be somebody else's, too.
function copyOf(event: SseEvent): SseEvent {
  if (!isSseEvent(event)) return event;
  const { type, id, retry, comment, data, raw } = event;
  return new SseEvent(type, id, retry, comment, data, raw);
}
