import type { Observable } from 'rxjs';
import type { Sink } from '../events/sink.js';
import { GuardedSubscriber } from './guarded-subscriber.js';
import type { Teardown } from './pulled.source.js';
import { Source, type Demand, type Running } from './source.js';

/** An Observable. It pushes its values, so there is no backpressure. */
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
    // Made beforehand: if an Observable emits during subscribe(), only its subscriber can already unsubscribe.
    const subscriber = new SinkSubscriber(sink, demand, teardown);
    try {
      this.observable.subscribe(subscriber);
    } catch (error) {
      // An Observable of rxjs never throws here, but one of another library may.
      if (subscriber.closed) teardown.onLateError(error);
      else subscriber.error(error);
    }
    return subscriber;
  }
}

class SinkSubscriber extends GuardedSubscriber {
  constructor(
    sink: Sink<unknown>,
    private readonly demand: Demand,
    teardown: Teardown,
  ) {
    super(sink, teardown);
  }

  protected override _next(value: unknown): void {
    this.sink.next(value);
    if (this.demand.ended) this.unsubscribe();
  }
}
