import type { Observable } from 'rxjs';
import type { Sink } from '../events/sink.js';
import { Source, type Release } from './source.js';

/** An Observable: it pushes, and cannot be asked to wait. */
export class PushedSource extends Source {
  readonly pulled = false;

  constructor(readonly observable: Observable<unknown>) {
    super();
  }

  open(sink: Sink<unknown>): Release {
    const subscription = this.observable.subscribe(sink);
    return () => subscription.unsubscribe();
  }
}
