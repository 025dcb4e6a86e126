import type { Observable } from 'rxjs';
import type { Sink } from '../events/sink.js';
import { GuardedSubscriber } from './guarded-subscriber.js';
import type { Teardown } from './pulled.source.js';
import { Source, type Demand, type Running } from './source.js';

/** An Observable: it pushes, and cannot be asked to wait. */
export class PushedSource extends Source {
  readonly pulled = false;

  constructor(
    readonly observable: Observable<unknown>,
    private readonly teardown: Teardown,
  ) {
    super();
  }

  open(sink: Sink<unknown>, demand: Demand): Running {
    const { teardown } = this;
    // Made beforehand: an Observable that emits while it is being subscribed to can be left only by its subscriber.
    const subscriber = new Pushed(sink, demand, teardown);
    try {
      this.observable.subscribe(subscriber);
    } catch (error) {
      // Not an Observable of rxjs, which does not throw here.
      if (subscriber.closed) teardown.onLateError(error);
      else subscriber.error(error);
    }
    return subscriber;
  }
}

class Pushed extends GuardedSubscriber {
  constructor(
    sink: Sink<unknown>,
    private readonly demand: Demand,
    teardown: Teardown,
  ) {
    super(sink, (error) => teardown.onTeardownError(error));
  }

  protected override _next(value: unknown): void {
    this.sink.next(value);
    if (this.demand.ended) this.unsubscribe();
  }
}
