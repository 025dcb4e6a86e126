import { Subscriber, Subscription, UnsubscriptionError, type TeardownLogic } from 'rxjs';
import type { Sink } from '../events/sink.js';
import { guard } from '../errors/guard.js';
import { attempt } from '../errors/legible.js';

/** Receives the errors of teardown functions. An object, because a closure for each stream takes 100 bytes. */
export interface TeardownErrors {
  /** Must not throw. */
  onTeardownError(error: unknown): void;
}

/**
 * Subscribes a sink to an Observable. It extends `Subscriber` instead of passing an observer to one, which saves an object per
 * stream and a call per value.
 *
 * In rxjs `unsubscribe()` throws if a teardown function throws, for example one of `finalize()`. The caller may be a timer, the
 * socket or the source itself, and the error would end the process. If the caller is an operator such as `mergeAll()`, rxjs drops
 * the error together with the completion, and the stream would never end. So teardown functions are guarded here and in every
 * operator above, and their errors go to `onTeardownError()`.
 */
export class GuardedSubscriber extends Subscriber<unknown> {
  constructor(
    protected readonly sink: Sink<unknown>,
    private readonly errors: TeardownErrors,
  ) {
    super();
  }

  override add(teardown: TeardownLogic): void {
    try {
      super.add(guarded(teardown, this.errors));
    } catch (error) {
      this.errors.onTeardownError(onlyErrorIn(error));
    }
  }

  override unsubscribe(): void {
    try {
      super.unsubscribe();
    } catch (error) {
      this.errors.onTeardownError(onlyErrorIn(error));
    }
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
}

/**
 * A teardown that does not throw. A subscription guards what is added to it from then on. An operator adds its subscriber to the
 * one below it before it subscribes to anything, so this reaches all operators of a chain.
 */
function guarded(teardown: TeardownLogic, errors: TeardownErrors): TeardownLogic {
  if (typeof teardown === 'function') {
    return () => guard(teardown, (error) => errors.onTeardownError(error));
  }
  if (teardown instanceof Subscription && !(teardown as Guarded)[ERRORS]) {
    (teardown as Guarded)[ERRORS] = errors;
    teardown.add = addGuarded;
  }
  return teardown;
}

const ERRORS = Symbol('errors of teardown functions');

// A property, because a WeakMap takes 1 KB more for each stream with two operators.
interface Guarded extends Subscription {
  [ERRORS]?: TeardownErrors;
}

// One function for all, because a mergeMap() adds a subscription for each value.
function addGuarded(this: Guarded, teardown: TeardownLogic): void {
  const errors = this[ERRORS];
  Subscription.prototype.add.call(this, errors ? guarded(teardown, errors) : teardown);
}

/** The only error of an `UnsubscriptionError`, or else the error itself. */
function onlyErrorIn(error: unknown): unknown {
  return attempt(() => {
    if (!(error instanceof UnsubscriptionError)) return error;
    const errors = error.errors as unknown[];
    return errors.length === 1 ? errors[0] : error;
  }, error);
}
