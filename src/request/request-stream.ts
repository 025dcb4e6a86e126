// Longer than most: every change of the response to one request is here, each small.
import type { ExecutionContext } from '@nestjs/common';
import { ChannelSource } from '../channels/channel.source.js';
import type { BatchConsumer } from '../channels/live-readers.js';
import { isChannelSubscription } from '../channels/subscription.js';
import { StreamConnection, type ConnectionListener, type CutOffLimit } from '../connection/connection.js';
import { rawRequest } from '../connection/response.js';
import { copyHead } from '../connection/response-head.js';
import { toHttpError } from '../errors/http-error.js';
import type { SseErrorCode } from '../errors/sse.errors.js';
import type { Sink } from '../events/sink.js';
import type { SseRoute } from '../nest/sse-routes.js';
import { pipeline, type Pipeline } from '../pipeline.js';
import type { ResponseHead, Running, Source } from '../source/source.js';
import { toSource } from '../source/to-source.js';
import { FAREWELL } from '../stages/ending.stage.js';
import { cutOff } from './cut-off-log.js';
import { isThenable } from '../errors/guard.js';
import { reconnectsByItself } from './last-event-id.js';
import { Opening } from './opening.js';
import { discardAnswer, sendResponse } from './response-answer.js';
import { SourceTroubles } from './source-troubles.js';
import type { PlainAnswer, RequestStreamInit, StreamHost, StreamOwner } from './stream-host.js';
import { StreamSink } from './stream-sink.js';
import { StreamTime } from './stream-time.js';

/** The response to one request: the result of the handler, as a stream or as an ordinary answer. */
export class RequestStream implements ConnectionListener {
  readonly connection: StreamConnection;
  readonly context: ExecutionContext;
  /** True if the client is an `EventSource`, which reconnects by itself. */
  readonly reconnects: boolean;
  readonly time: StreamTime;
  /** True if the handler takes over the response, and may answer at any time. */
  takenOver = false;
  /** The ordinary answer of the route, if the handler's result is not a stream. */
  answer: PlainAnswer | undefined;
  /** The source, until it is started. */
  private source: Source | undefined;
  /** The subscription that stops with the stream: to its source, or to everything behind the interceptors. */
  private running: Running | undefined;
  private composed: Pipeline | undefined;
  private reporter: SourceTroubles | undefined;
  private opening: Opening | undefined;
  /** The head that the source brings. */
  private head: ResponseHead | undefined;

  constructor(
    readonly host: StreamHost,
    readonly route: SseRoute,
    { context, request, response, lastEventId }: RequestStreamInit,
    private owner: StreamOwner,
  ) {
    const { connections } = host;
    this.context = context;
    const { method, headers } = rawRequest(request);
    this.reconnects = reconnectsByItself(method, headers['cache-control']);
    const number = connections.nextNumber();
    const init = { number, request, response, lastEventId };
    this.connection = new StreamConnection(connections, route.options, init, this);
    this.time = new StreamTime(this);
  }

  /** Registers the connection, and begins to watch for the client's leaving. */
  begin(): void {
    const { connections } = this.host;
    connections.add(this.connection);
    for (const opened of connections.onOpen) opened(this.connection.request, this.context.getHandler());
    this.connection.watch();
  }

  /** Made for the first value: an idle stream has no stages. */
  get stages(): Pipeline {
    return (this.composed ??= pipeline({
      options: this.route.options,
      context: this.context,
      connection: this.connection,
      reconnects: this.reconnects,
      report: (error) => this.troubles.report(error),
      unheard: (error) => this.troubles.onLateError(error),
    }));
  }

  /** Where encoded events go. */
  get batches(): BatchConsumer {
    return this.connection.outlet;
  }

  /** Reports errors to the log and to the hook of the application. */
  get troubles(): SourceTroubles {
    return (this.reporter ??= new SourceTroubles(this));
  }

  /** Calls the handler and sends its result. Its values do not pass through rxjs. */
  run(invoke: () => unknown): void {
    try {
      const result = invoke();
      if (isThenable(result)) void this.openLater(result);
      else this.open(result, false);
    } catch (error) {
      this.failed(error);
    }
  }

  private async openLater(result: PromiseLike<unknown>): Promise<void> {
    try {
      this.open(await result, true);
    } catch (error) {
      if (this.connection.ended) this.troubles.onLateError(error);
      else this.failed(error);
    }
  }

  /** `resolved` is true for the value of a promise. */
  private open(result: unknown, resolved: boolean): void {
    const source = this.take(result);
    if (!source) return this.answer && this.send(this.answer);
    this.hold(this.start(source, new StreamSink(this)));
    if (!this.connection.used && !this.connection.ended) this.scheduleHead(source, resolved);
  }

  /** The source of a handler's result; `undefined` if the result is an ordinary answer, or the stream has ended. */
  take(result: unknown): Source | undefined {
    const { connection } = this;
    if (this.isAnsweredByHandler(result)) {
      this.answer = { value: undefined, byHandler: true };
      return undefined;
    }
    const source = isChannelSubscription(result)
      ? new ChannelSource(result, this)
      : toSource(result, this.troubles);
    if (connection.ended) {
      if (source) source.discard();
      else discardAnswer({ value: result });
      return undefined;
    }
    if (!source) this.answer = { value: result };
    this.source = source;
    this.head = source?.head;
    return source;
  }

  /** With Express and Fastify, a handler that answers by itself may return the response. */
  private isAnsweredByHandler(result: unknown): boolean {
    const { response, outlet } = this.connection;
    return result === undefined ? this.takenOver : result === response || result === outlet.raw;
  }

  /** Starts a source that was taken. */
  start(source: Source, sink: Sink<unknown>): Running {
    this.source = undefined;
    return source.open(sink, this.connection);
  }

  /** Sends the head in time, also if no event comes. */
  scheduleHead(source: Source, resolved: boolean): void {
    this.opening = new Opening(this.connection, this.reconnects);
    if (source instanceof ChannelSource) this.opening.atPlace(source.subscription);
    else this.opening.after(resolved || source.head || !source.pulled ? 0 : this.route.options.openAfterMs);
  }

  /** Keeps the subscription that stops with the stream. */
  hold(running: Running): void {
    this.running = running;
    if (this.connection.ended) this.releaseSource();
  }

  /** An interceptor emitted a value. */
  emitted(value: unknown): void {
    if (this.answer) this.answer = { ...this.answer, value };
    else this.stages.values.next(value);
  }

  /** The interceptors completed. */
  completed(): void {
    if (this.answer) this.send(this.answer);
    else this.stages.values.complete();
  }

  /** The source, the handler, or something before it has failed. */
  failed(error: unknown): void {
    // A source may throw when its signal aborts. The client has left by then.
    if (this.connection.ended) return this.troubles.onLateError(error);
    this.stages.values.error(toHttpError(this.troubles.toError(error)));
  }

  /** Leaves the response to an ordinary answer. */
  send(answer: PlainAnswer): void {
    this.answer = answer;
    try {
      if (sendResponse(answer, this.connection, this.troubles)) this.owner.headSent();
      else this.connection.release();
    } catch (error) {
      this.failed(error);
    }
  }

  /** A newer connection took the place of this one, whose client must not reconnect to take it back. */
  replaced(): void {
    this.connection.endWith(this.reconnects ? FAREWELL : undefined, 'SSE_CLOSED');
  }

  /** A guard rejects the stream that it had allowed. */
  revoked(error: unknown): void {
    const { connection, troubles } = this;
    if (connection.ended) return troubles.onLateRejection(error);
    connection.cause = 'SSE_REVOKED';
    this.failed(error);
  }

  beforeHead(): void {
    if (this.head) copyHead(this.connection.response, this.head);
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
    this.owner.headSent();
    // Saves 80 bytes in each open stream without a limit.
    if (!this.owner.holdsSlots) this.owner = ANSWERED_OWNER;
  }

  teardownFailed(error: unknown): void {
    this.troubles.onTeardownError(error);
  }

  broken(error: unknown): void {
    this.troubles.report(error);
  }

  cutOff(limit: CutOffLimit): void {
    const { host, route, connection } = this;
    host.connections.closes.cutOff(connection, limit);
    host.cutOffs.add(connection, cutOff(limit, route.options, host.connections.budget.maxBytes));
  }

  closed(code: SseErrorCode, error?: unknown): void {
    const { connection, host } = this;
    this.opening?.cancel();
    this.time.stop();
    this.releaseSource();
    if (connection.started) host.connections.closes.add(code);
    else host.connections.delete(connection);
    this.owner.ended(code, error);
  }

  finished(): void {
    this.host.connections.delete(this.connection);
  }

  private releaseSource(): void {
    const { running, source } = this;
    this.running = undefined;
    this.source = undefined;
    running?.unsubscribe();
    source?.discard();
    if (this.answer) discardAnswer(this.answer);
  }
}

/** The owner of every open stream without a limit: Nest has its answer, and there is nothing to release. */
const ANSWERED_OWNER: StreamOwner = { holdsSlots: false, headSent: () => undefined, ended: () => undefined };
