import { Logger } from '@nestjs/common';
import { Observable, type OperatorFunction } from 'rxjs';
import type { Sink } from '../events/sink.js';
import { GuardedSubscriber } from '../source/guarded-subscriber.js';
import { errorText } from '../errors/error-text.js';
import { logLine } from '../errors/log-line.js';
import { SseEvent, isSseEvent } from '../events/sse-event.js';

const logger = new Logger('SseInterceptor');

/** A stage that can hold resources, such as a timer, until its stream ends. */
export interface Stage<T> extends Sink<T> {
  stop?(): void;
}

/** Makes an rxjs operator of a stage, for a Nest interceptor. */
export function through<A>(make: (out: Sink<SseEvent>) => Stage<A>): OperatorFunction<A, SseEvent> {
  return (source) =>
    new Observable<SseEvent>((subscriber) => {
      const stage = make({
        next: (event) => subscriber.next(copyOf(event)),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      // Nest unsubscribes when the socket closes, so an error of a teardown function of the application would end the process.
      const inner = new GuardedSubscriber(stage, TEARDOWN_ERRORS);
      subscriber.add(() => {
        inner.unsubscribe();
        stage.stop?.();
      });
      source.subscribe(inner);
    });
}

const TEARDOWN_ERRORS = {
  onTeardownError: (error: unknown): void =>
    logLine(logger, 'error', `A teardown failed: ${errorText(error)}`),
};

// Nest 11 writes its generated id into the event, and the same event object can be in several streams.
function copyOf(event: SseEvent): SseEvent {
  if (!isSseEvent(event)) return event;
  const { type, id, retry, comment, data, raw } = event;
  return new SseEvent(type, id, retry, comment, data, raw);
}
