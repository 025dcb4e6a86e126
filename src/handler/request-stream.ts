import * as nest from '@nestjs/common';
import { NotAcceptableException, ServiceUnavailableException } from '@nestjs/common';
import type { CallHandler, ExecutionContext, LoggerService } from '@nestjs/common';
import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { ChannelSource, type BatchSink } from '../channels/channel.source.js';
import { isChannelSubscription, type ChannelSubscription } from '../channels/subscription.js';
import { StreamConnection, type ConnectionListener } from '../connection/connection.js';
import { acceptsEventStream, reconnectsByItself } from '../connection/last-event-id.js';
import { rawRequest, rawResponse } from '../connection/response.js';
import type { SseConnections } from '../connection/sse-connections.js';
import { event, retryAfter } from '../events/sse-event.js';
import { FAREWELL, pipeline, type Pipeline } from '../pipeline.js';
import { isSource, type Release, type Source } from '../source/source.js';
import { toSource } from '../source/to-source.js';
import type { SseErrorCode } from '../sse.errors.js';
import type { ResolvedLimit } from '../options/sse.options.js';
import { PLACE_TYPE } from '../wire/end-of-stream.js';
import { Admission, limitException } from './admission.js';
import type { CutOffLog } from './cut-off-log.js';
import { toHttpError } from './http-error.js';
import { RightToStay } from './right-to-stay.js';
import type { RouteGuards } from './route-guards.js';
import { SourceTroubles } from './source-troubles.js';
import { PORT, type HandlerPort } from './sse.metadata.js';
import type { SseRoute } from './sse-routes.js';

/** What a stream is made of, and who is told what becomes of it. */
export interface RequestStreamInit {
  route: SseRoute;
  context: ExecutionContext;
  connections: SseConnections;
  guards: RouteGuards;
  logger: LoggerService;
  cutOffs: CutOffLog;
  request: object;
  response: object;
  lastEventId: string | undefined;
  setHeader(name: string, value: string): void;
  /** Sends a plain value as the route's ordinary answer. */
  reply(value: unknown): void;
  subscriber: Subscriber<unknown>;
}

/** Under this key Nest 12's own `@SseSignal()` looks for something that has a `signal`. */
const NEST_SIGNAL = (nest as { SSE_ABORT_CONTROLLER?: symbol }).SSE_ABORT_CONTROLLER;

/** A log that is away does not keep the head back for longer: proxies give up on one, and an `EventSource` with them. */
const PLACE_WITHIN_MS = 10_000;

/** One request to an `@Sse()` route: the handler's result, what became of it, and all that has to be let go of. */
export class RequestStream implements HandlerPort, ConnectionListener {
  readonly connection: StreamConnection;
  private readonly stages: Pipeline;
  private readonly comesBack: boolean;
  private upstream: Subscription | undefined;
  private source: Source | undefined;
  private release: Release | undefined;
  private readonly admission: Admission | undefined;
  private readonly stay: RightToStay | undefined;
  private readonly troubles: SourceTroubles;
  private started = false;
  private opening: unknown;
  private plain = false;
  private answer: unknown;

  constructor(private readonly init: RequestStreamInit) {
    const { route, context, connections, logger, request, response, lastEventId } = init;
    const { options } = route;
    const { method, headers } = rawRequest(request);
    this.comesBack = reconnectsByItself(method, headers['cache-control']);
    const { stallMs, overflow } = options;
    const [number, { timers }] = [connections.nextNumber(), connections];
    this.connection = new StreamConnection(
      { number, request, response, lastEventId, timers, stallMs, overflow },
      this,
    );
    this.troubles = new SourceTroubles(route, this.connection, logger);
    this.stages = pipeline({
      options,
      context,
      connection: this.connection,
      comesBack: this.comesBack,
      report: (error) => this.troubles.report(error),
    });
    const { limits, expiresAt, revalidateMs } = options;
    if (limits.length > 0) {
      const { slots } = connections;
      this.admission = new Admission({ route, context, slots, onReplaced: () => this.replaced() });
    }
    if (expiresAt !== undefined || revalidateMs !== false) this.stay = this.rightToStay();
    (rawResponse(response) as { [PORT]?: HandlerPort })[PORT] = this;
    if (NEST_SIGNAL) {
      (request as Record<symbol, unknown>)[NEST_SIGNAL] = this.connection;
    }
    connections.add(this.connection);
    this.connection.watch();
  }

  /** Starts what is behind: the other interceptors, the pipes, the handler. Unless its time is up, or a limit says no. */
  run(next: CallHandler<unknown>): void {
    if (this.connection.ended) return;
    try {
      this.stay?.begin();
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
    if (full) return this.turnAway(full);
    this.upstream = next.handle().subscribe({
      next: (value) => this.emitted(value),
      error: (error: unknown) => this.failed(error),
      complete: () => this.completed(),
    });
    if (connection.ended) this.upstream.unsubscribe();
  }

  private rightToStay(): RightToStay {
    const { connection, stages, init } = this;
    const { context, route, guards } = init;
    return new RightToStay({
      context,
      expiresAt: route.options.expiresAt,
      revalidateMs: route.options.revalidateMs,
      guards: () => guards.of(context),
      // Not told to stay away: with a new right, the client may come back.
      expired: (error) => connection.endWith(stages.eventOf(error), 'SSE_EXPIRED'),
      refused: (error) => {
        connection.cause = 'SSE_REVOKED';
        this.failed(error);
      },
    });
  }

  /** Nest has no use for the stream any more. */
  abandon(): void {
    if (!this.connection.ended) this.connection.destroy('SSE_CLIENT_GONE');
  }

  accept(result: unknown, resolved: boolean): unknown {
    const { connection, init } = this;
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
    if (!acceptsEventStream(rawRequest(init.request).headers.accept)) {
      source.discard();
      throw new NotAcceptableException('This route answers with text/event-stream.');
    }
    this.source = source;
    const headAfterMs = resolved || !source.pulled ? 0 : init.route.options.openAfterMs;
    const scheduleHead = (): void =>
      subscription ? this.headAtPlace(subscription) : this.scheduleHead(headAfterMs);
    // Where nobody looks at each value the source travels whole, and rxjs has nothing to do for an event.
    if (!init.route.watched) {
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
      const sink: BatchSink = {
        next: (item) => this.stages.values.next(item),
        error: (error) => this.failed(error),
        complete: () => this.stages.values.complete(),
        batch: (batch) => this.connection.share(batch, batch.size),
      };
      this.started = true;
      this.release = value.open(sink, this.connection);
      if (this.connection.ended) this.letGo();
    }
  }

  private completed(): void {
    if (this.plain) this.connection.release();
    else if (!this.source || this.init.route.watched) this.stages.values.complete();
  }

  failed(error: unknown): void {
    this.stages.values.error(this.troubles.toError(toHttpError(error)));
  }

  /** The head goes out with the first event, or by itself after so long; a turn is left for errors that are on their way. */
  private scheduleHead(afterMs: number): void {
    const { clock } = this.init.connections.timers;
    const open = (): void => this.connection.open();
    if (afterMs === 0) clock.defer(open);
    else this.opening = clock.schedule(open, afterMs);
  }

  /**
   * A client that has seen the head of a channel's stream misses nothing that is published from then on: the head waits
   * for the subscription's place. One that reconnects by itself is told that place, for it may lose its connection
   * before the first event.
   */
  private headAtPlace(subscription: ChannelSubscription): void {
    const { connection, comesBack } = this;
    const open = (): void => {
      const { cursor } = subscription;
      if (comesBack && !connection.opened && cursor !== undefined && cursor !== connection.lastEventId) {
        connection.next(event({ type: PLACE_TYPE, id: cursor, data: '' }));
      }
      connection.open();
    };
    this.opening = this.init.connections.timers.clock.schedule(open, PLACE_WITHIN_MS);
    void subscription.ready.then(open);
  }

  private turnAway(limit: ResolvedLimit): void {
    const { connection, init } = this;
    if (limit.status === 'retry') {
      connection.next(retryAfter(limit.retryMs));
      connection.complete();
      return;
    }
    const status = typeof limit.status === 'number' ? limit.status : 429;
    if (status === 429 || status === 503)
      init.setHeader('Retry-After', String(Math.ceil(limit.retryMs / 1000)));
    connection.error(limitException(limit, status));
  }

  /** Another connection took the place of this one, whose client must not take it back. */
  private replaced(): void {
    this.connection.endWith(this.comesBack ? FAREWELL : undefined, 'SSE_CLOSED');
  }

  opened(): void {
    const { clock } = this.init.connections.timers;
    clock.cancel(this.opening);
    try {
      this.stages.timekeeper.start(this.connection);
      this.stay?.watch(this.stages.timekeeper);
    } catch (error) {
      clock.defer(() => this.failed(error));
    }
  }

  cutOff(code: 'SSE_OVERFLOW' | 'SSE_STALLED'): void {
    const { overflow, stallMs } = this.init.route.options;
    this.init.cutOffs.add(
      this.connection,
      code === 'SSE_OVERFLOW'
        ? { limit: 'overflow.maxBytes', value: overflow.maxBytes }
        : { limit: 'stallMs', value: Number(stallMs) },
    );
  }

  closed(code: SseErrorCode, error?: unknown): void {
    const { connection, init } = this;
    const { connections, subscriber, reply } = init;
    connections.timers.clock.cancel(this.opening);
    this.stages.timekeeper.stop();
    this.admission?.release();
    this.letGo();
    if (!connection.started) connections.delete(connection);
    if (error !== undefined) {
      this.troubles.markPlace(error);
      subscriber.error(error);
    } else if (this.plain && code === 'SSE_ENDED') reply(this.answer);
    else if (code === 'SSE_SHUTDOWN' && !connection.started) {
      subscriber.error(new ServiceUnavailableException('The application is shutting down.'));
    } else {
      subscriber.next(undefined);
      subscriber.complete();
    }
  }

  finished(): void {
    this.init.connections.delete(this.connection);
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
