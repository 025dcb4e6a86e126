import type { CallHandler } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import { GuardedSubscriber } from '../source/guarded-subscriber.js';
import type { Running } from '../source/source.js';
import { isThenable } from '../errors/guard.js';
import type { Caller } from './outcome.js';
import type { RequestStream } from './request-stream.js';

/** A call that reaches the handler through interceptors, which see each value that it emits, as with Nest's own `@Sse()`. */
export class InterceptedCall implements Caller {
  constructor(
    private readonly stream: RequestStream,
    private subscriber: Subscriber<unknown> | undefined,
  ) {}

  /** Starts the other interceptors, the pipes and the handler. */
  proceed(next: CallHandler<unknown>): Running {
    const { stream } = this;
    const subscriber = new GuardedSubscriber(
      {
        next: (value) => stream.emitted(value),
        error: (error) => stream.failed(error),
        complete: () => stream.completed(),
      },
      { onTeardownError: (error) => stream.troubles.onTeardownError(error) },
    );
    next.handle().subscribe(subscriber);
    return subscriber;
  }

  /** Calls the handler, and returns the result that Nest hands to the interceptors. */
  handle(invoke: () => unknown): unknown {
    const { stream } = this;
    // The client may have left during a pipe.
    if (stream.connection.ended) return undefined;
    const result = invoke();
    if (!isThenable(result)) return this.accept(result, false);
    // The then() of a Fastify reply returns nothing.
    return Promise.resolve(result).then(
      (value) => this.accept(value, true),
      (error: unknown) => {
        if (stream.connection.ended) stream.troubles.onLateError(error);
        throw error;
      },
    );
  }

  answered(): void {
    const { subscriber } = this;
    this.subscriber = undefined;
    // Nest takes the last value of an Observable.
    subscriber?.next(undefined);
    subscriber?.complete();
  }

  failed(error: unknown): void {
    const { subscriber } = this;
    this.subscriber = undefined;
    subscriber?.error(error);
  }

  private accept(result: unknown, resolved: boolean): unknown {
    const { stream } = this;
    const source = stream.take(result);
    if (!source) return stream.answer ? result : undefined;
    return new Observable((subscriber) => {
      stream.scheduleHead(source, resolved);
      return stream.start(source, subscriber);
    });
  }
}
