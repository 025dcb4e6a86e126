import { Observable, type OperatorFunction } from 'rxjs';
import type { Sink } from '../events/sink.js';

/** A stage that may hold something, such as a timer, until its stream is over. */
export interface Stage<T> extends Sink<T> {
  stop?(): void;
}

/** A stage as an rxjs operator, for those who compose Nest interceptors. */
export function through<A, B>(make: (out: Sink<B>) => Stage<A>): OperatorFunction<A, B> {
  return (source) =>
    new Observable<B>((subscriber) => {
      const stage = make(subscriber);
      const subscription = source.subscribe(stage);
      subscriber.add(() => {
        subscription.unsubscribe();
        stage.stop?.();
      });
    });
}
