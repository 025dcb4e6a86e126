// Longer than others: all that can become of one request meets here, and each part of it has a file of its own beside this.
import * as nest from '@nestjs/common';
import { NotAcceptableException, ServiceUnavailableException } from '@nestjs/common';
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { ChannelSource } from '../channels/channel.source.js';
import type { BatchConsumer } from '../channels/live-readers.js';
import { isChannelSubscription } from '../channels/subscription.js';
import { StreamConnection, type ConnectionListener } from '../connection/connection.js';
import { acceptsEventStream, reconnectsByItself } from '../connection/last-event-id.js';
import { rawRequest, rawResponse } from '../connection/response.js';
import { FAREWELL, pipeline, type Pipeline } from '../pipeline.js';
import { isSource, type Release, type Source } from '../source/source.js';
import { toSource } from '../source/to-source.js';
import type { SseErrorCode } from '../sse.errors.js';
import type { ResolvedLimit } from '../options/sse.options.js';
import { Admission, turnAway } from './admission.js';
import { toHttpError } from './http-error.js';
import { Opening } from './opening.js';
import { SourceTroubles } from './source-troubles.js';
import { PORT, type HandlerPort } from './sse.metadata.js';
import type { SseRoute } from './sse-routes.js';
import type { RequestStreamInit, StreamHost } from './stream-host.js';
import { StreamSink } from './stream-sink.js';
import { StreamTime } from './stream-time.js';

/** Under this key Nest 12's own `@SseSignal()` looks for something that has a `signal`. */
const NEST_SIGNAL = (nest as { SSE_ABORT_CONTROLLER?: symbol }).SSE_ABORT_CONTROLLER;

/** One request to an `@Sse()` route: the handler's result, what became of it, and all that has to be let go of. */
export class RequestStream implements HandlerPort, ConnectionListener {
  readonly connection: StreamConnection;
  readonly route: SseRoute;
  readonly context: ExecutionContext;
  readonly comesBack: boolean;
  /** Until Nest was told that this request needs nothing more of it. */
  private subscriber: Subscriber<unknown> | undefined;
  private upstream: Subscription | undefined;
  private source: Source | undefined;
  private release: Release | undefined;
  private admission: Admission | undefined;
  private readonly time: StreamTime;
  private composed: Pipeline | undefined;
  private teardown: SourceTroubles | undefined;
  private started = false;
  private opening: Opening | undefined;
  private plain = false;
  private answer: unknown;

  constructor(
    readonly host: StreamHost,
    { route, context, request, response, lastEventId, subscriber }: RequestStreamInit,
  ) {
    const { connections } = host;
    const { options } = route;
    this.route = route;
    this.context = context;
    this.subscriber = subscriber;
    const { method, headers } = rawRequest(request);
    this.comesBack = reconnectsByItself(method, headers['cache-control']);
    const number = connections.nextNumber();
    const init = { number, request, response, lastEventId };
    this.connection = new StreamConnection(connections, options, init, this);
    const { limits } = options;
    if (limits.length > 0) {
      const { slots } = connections;
      this.admission = new Admission({ route, context, slots, onReplaced: () => this.replaced() });
    }
    this.time = new StreamTime(this);
    (rawResponse(response) as { [PORT]?: HandlerPort })[PORT] = this;
    if (NEST_SIGNAL) {
      (request as Record<symbol, unknown>)[NEST_SIGNAL] = this.connection;
    }
    connections.add(this.connection);
    this.connection.watch();
  }

  /** Made when there is something to go through them: an idle stream has none. */
  get stages(): Pipeline {
    return (this.composed ??= pipeline({
      options: this.route.options,
      context: this.context,
      connection: this.connection,
      comesBack: this.comesBack,
      report: (error) => this.troubles.report(error),
    }));
  }

  /** Where encoded events go. */
  get batches(): BatchConsumer {
    return this.connection.outlet;
  }

  private get troubles(): SourceTroubles {
    return (this.teardown ??= new SourceTroubles(this.route, this.connection, this.host.logger));
  }

  /** Starts what is behind: the other interceptors, the pipes, the handler. Unless its time is up, or a limit says no. */
  run(next: CallHandler<unknown>): void {
    if (this.connection.ended) return;
    try {
      this.time.begin();
      const full = this.admission?.take();
      if (full && 'then' in full) {
        full.then(
          (limit) => this.admitted(limit, next),
          (error: unknown) => this.failed(error),
        );
      } else this.admitted(full, next);
    } catch (error) {
      this.failed(error);
    }
  }

  private admitted(full: ResolvedLimit | undefined, next: CallHandler<unknown>): void {
    const { connection } = this;
    if (connection.ended) return;
    if (full)
      return turnAway(full, connection, (name, value) =>
        this.host.setHeader(connection.response, name, value),
      );
    this.upstream = next.handle().subscribe({
      next: (value) => this.emitted(value),
      error: (error: unknown) => this.failed(error),
      complete: () => this.completed(),
    });
    if (connection.ended) this.upstream.unsubscribe();
  }

  /** Nest has no use for the stream any more. */
  abandon(): void {
    if (this.subscriber && !this.connection.ended) this.connection.destroy('SSE_CLIENT_GONE');
  }

  accept(result: unknown, resolved: boolean): unknown {
    const { connection, route } = this;
    const subscription = isChannelSubscription(result) ? result : undefined;
    const source = subscription ? new ChannelSource(subscription) : toSource(result, this.troubles);
    if (!source) {
      this.plain = true;
      return result;
    }
    if (connection.ended) {
      source.discard();
      return undefined;
    }
    if (!acceptsEventStream(rawRequest(connection.request).headers.accept)) {
      source.discard();
      throw new NotAcceptableException('This route answers with text/event-stream.');
    }
    this.source = source;
    const headAfterMs = resolved || !source.pulled ? 0 : route.options.openAfterMs;
    const scheduleHead = (): void => {
      this.opening = new Opening(connection, this.comesBack);
      if (subscription) this.opening.atPlace(subscription);
      else this.opening.after(headAfterMs);
    };
    // Where nobody looks at each value the source travels whole, and rxjs has nothing to do for an event.
    if (!route.watched) {
      scheduleHead();
      return source;
    }
    return new Observable((subscriber) => {
      scheduleHead();
      this.started = true;
      return source.open(subscriber, connection);
    });
  }

  refuse(error: unknown): unknown {
    if (this.connection.ended) this.troubles.onLateError(error);
    return error;
  }

  private emitted(value: unknown): void {
    if (this.plain) this.answer = value;
    else if (!isSource(value)) this.stages.values.next(value);
    else {
      this.started = true;
      this.release = value.open(new StreamSink(this), this.connection);
      if (this.connection.ended) this.letGo();
    }
  }

  private completed(): void {
    if (this.plain) this.connection.release();
    else if (!this.source || this.route.watched) this.stages.values.complete();
    // What travels whole has left this behind.
    else this.upstream = undefined;
  }

  failed(error: unknown): void {
    this.stages.values.error(this.troubles.toError(toHttpError(error)));
  }

  /** Another connection took the place of this one, whose client must not take it back. */
  private replaced(): void {
    this.connection.endWith(this.comesBack ? FAREWELL : undefined, 'SSE_CLOSED');
  }

  opened(): void {
    const { connection } = this;
    this.opening?.cancel();
    this.opening = undefined;
    if (!connection.ended) {
      try {
        this.time.start();
      } catch (error) {
        connection.timers.clock.defer(() => this.failed(error));
      }
    }
    this.dismiss();
  }

  /** A guard no longer lets the stream through. */
  revoked(error: unknown): void {
    this.connection.cause = 'SSE_REVOKED';
    this.failed(error);
  }

  cutOff(code: 'SSE_OVERFLOW' | 'SSE_STALLED'): void {
    const { overflow, stallMs } = this.route.options;
    this.host.cutOffs.add(
      this.connection,
      code === 'SSE_OVERFLOW'
        ? { limit: 'overflow.maxBytes', value: overflow.maxBytes }
        : { limit: 'stallMs', value: Number(stallMs) },
    );
  }

  closed(code: SseErrorCode, error?: unknown): void {
    const { connection, host, subscriber } = this;
    this.opening?.cancel();
    this.time.stop();
    this.admission?.release();
    this.letGo();
    if (!connection.started) host.connections.delete(connection);
    if (!subscriber) return;
    this.subscriber = undefined;
    if (error !== undefined) {
      this.troubles.answeredWith(error);
      subscriber.error(error);
    } else if (this.plain && code === 'SSE_ENDED') host.answer(this, this.answer, subscriber);
    else if (code === 'SSE_SHUTDOWN' && !connection.started) {
      subscriber.error(new ServiceUnavailableException('The application is shutting down.'));
    } else finish(subscriber);
  }

  finished(): void {
    this.host.connections.delete(this.connection);
  }

  /** With the head out there is nothing left for Nest to do: all that it holds for a request goes, and not at the end. */
  private dismiss(): void {
    const { subscriber } = this;
    this.subscriber = undefined;
    if (subscriber) finish(subscriber);
  }

  private letGo(): void {
    this.upstream?.unsubscribe();
    const { release } = this;
    this.release = undefined;
    release?.();
    if (this.source && !this.started) {
      this.started = true;
      this.source.discard();
    }
  }
}

/** Nest takes the last value of an Observable. */
function finish(subscriber: Subscriber<unknown>): void {
  subscriber.next(undefined);
  subscriber.complete();
}
