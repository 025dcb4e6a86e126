import { Subscriber, UnsubscriptionError, type TeardownLogic } from 'rxjs';
import type { Sink } from '../events/sink.js';
import { guard } from '../errors/guard.js';
import { attempt } from '../errors/legible.js';

/**
 * Subscribes a sink to an Observable. It extends `Subscriber` instead of passing an observer to one, which saves an object per
 * stream and a call per value.
 *
 * In rxjs `unsubscribe()` throws if a teardown function throws, for example one of `finalize()`. The caller may be a timer, the
 * socket or the source itself, and the error would end the process. This class passes it to `onTeardownError`.
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

/** The only error of an `UnsubscriptionError`, or else the error itself. */
function onlyErrorIn(error: unknown): unknown {
  return attempt(() => {
    if (!(error instanceof UnsubscriptionError)) return error;
    const errors = error.errors as unknown[];
    return errors.length === 1 ? errors[0] : error;
  }, error);
}
