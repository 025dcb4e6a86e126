import { Subscriber, UnsubscriptionError, type TeardownLogic } from 'rxjs';
import type { Sink } from '../events/sink.js';
import { guard } from '../errors/guard.js';
import { attempt } from '../errors/legible.js';

/**
 * The end of a chain of Observables. It is a subscriber that hands on by itself: one object and one call less than one with
 * an observer behind it.
 *
 * A teardown function that throws, also one of `finalize()`, makes `unsubscribe()` throw in rxjs. The caller may be a timer,
 * the socket, or the source itself, and the error would end the process. Here it goes to `onTeardownError`.
 */
export class GuardedSubscriber extends Subscriber<unknown> {
  constructor(
    protected readonly sink: Sink<unknown>,
    private readonly onTeardownError: (error: unknown) => void,
  ) {
    super();
  }

  override add(teardown: TeardownLogic): void {
    const isFunction = typeof teardown === 'function';
    this.release(() => super.add(isFunction ? () => guard(teardown, this.onTeardownError) : teardown));
  }

  override unsubscribe(): void {
    this.release(() => super.unsubscribe());
  }

  protected override _next(value: unknown): void {
    this.sink.next(value);
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

  private release(release: () => void): void {
    try {
      release();
    } catch (error) {
      this.onTeardownError(onlyErrorIn(error));
    }
  }
}

/** The one error that an `UnsubscriptionError` holds, or the error as it is. */
function onlyErrorIn(error: unknown): unknown {
  return attempt(() => {
    if (!(error instanceof UnsubscriptionError)) return error;
    const errors = error.errors as unknown[];
    return errors.length === 1 ? errors[0] : error;
  }, error);
}
