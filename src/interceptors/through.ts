import { Logger } from '@nestjs/common';
import { Observable, type OperatorFunction } from 'rxjs';
import type { Sink } from '../events/sink.js';
import { GuardedSubscriber } from '../source/guarded-subscriber.js';
import { errorText } from '../errors/error-text.js';
import { SseEvent, isSseEvent } from '../events/sse-event.js';

const logger = new Logger('SseInterceptor');

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
      // A teardown of the application's that throws would end the process: Nest unsubscribes when the socket has closed.
      const inner = new GuardedSubscriber(stage, (error) =>
        logger.error(`A teardown failed: ${errorText(error)}`),
      );
      subscriber.add(() => {
        inner.unsubscribe();
        stage.stop?.();
      });
      source.subscribe(inner);
    });
}

// Nest 11 writes the id that it makes into the event, which may be somebody else's, too.
function copyOf(event: SseEvent): SseEvent {
  if (!isSseEvent(event)) return event;
  const { type, id, retry, comment, data, raw } = event;
  return new SseEvent(type, id, retry, comment, data, raw);
}
