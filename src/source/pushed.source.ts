import { Subscriber, type Observable } from 'rxjs';
import type { Sink } from '../events/sink.js';
import { Source, type Demand, type Release } from './source.js';

/** An Observable: it pushes, and cannot be asked to wait. */
export class PushedSource extends Source {
  readonly pulled = false;

  constructor(readonly observable: Observable<unknown>) {
    super();
  }

  open(sink: Sink<unknown>, demand: Demand): Release {
    // Made beforehand: an Observable that emits while it is being subscribed to can be left only by its subscriber.
    const subscriber = new Subscriber<unknown>({
      next: (value) => {
        sink.next(value);
        if (demand.ended) subscriber.unsubscribe();
      },
      error: (error: unknown) => sink.error(error),
      complete: () => sink.complete(),
    });
    this.observable.subscribe(subscriber);
    return () => subscriber.unsubscribe();
  }
}
