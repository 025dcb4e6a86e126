import { Subscriber, type Observable } from 'rxjs';
import type { Sink } from '../events/sink.js';
import { Source, type Demand, type Running } from './source.js';

/** An Observable: it pushes, and cannot be asked to wait. */
export class PushedSource extends Source {
  readonly pulled = false;

  constructor(readonly observable: Observable<unknown>) {
    super();
  }

  open(sink: Sink<unknown>, demand: Demand): Running {
    // Made beforehand: an Observable that emits while it is being subscribed to can be left only by its subscriber.
    const subscriber = new Pushed(sink, demand);
    this.observable.subscribe(subscriber);
    return subscriber;
  }
}

/** A subscriber that hands on by itself: one object and one call less than one with an observer behind it. */
class Pushed extends Subscriber<unknown> {
  constructor(
    private readonly sink: Sink<unknown>,
    private readonly demand: Demand,
  ) {
    super();
  }

  protected override _next(value: unknown): void {
    this.sink.next(value);
    if (this.demand.ended) this.unsubscribe();
  }

  protected override _error(error: unknown): void {
    try {
      this.sink.error(error);
    } finally {
      this.unsubscribe();
    }
  }

  protected override _complete(): void {
    try {
      this.sink.complete();
    } finally {
      this.unsubscribe();
    }
  }
}
