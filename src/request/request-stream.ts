// Longer than others: all that can become of one request meets here, and each part of it has a file of its own beside this.
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { Observable } from 'rxjs';
import { ChannelSource } from '../channels/channel.source.js';
import type { BatchConsumer } from '../channels/live-readers.js';
import { isChannelSubscription } from '../channels/subscription.js';
import { StreamConnection, type ConnectionListener, type CutOffLimit } from '../connection/connection.js';
import { reconnectsByItself } from './last-event-id.js';
import { rawRequest } from '../connection/response.js';
import { copyHead } from '../connection/response-head.js';
import { retryAfter } from '../events/sse-event.js';
import type { Sink } from '../events/sink.js';
import { FAREWELL, pipeline, type Pipeline } from '../pipeline.js';
import type { ResponseHead, Running, Source } from '../source/source.js';
import { toSource } from '../source/to-source.js';
import type { SseErrorCode } from '../errors/sse.errors.js';
import type { ResolvedLimit } from '../options/sse.options.js';
import { END_OF_STREAM_ID } from '../wire/end-of-stream.js';
import { Admission } from './admission.js';
import { dropNext, dropPort, type HandlerPort } from './handler-port.js';
import { toHttpError } from '../errors/http-error.js';
import { InterceptedCall } from './intercepted-call.js';
import { isThenable } from './is-thenable.js';
import { cutOff } from './cut-off-log.js';
import { Opening } from './opening.js';
import { ANSWERED, Outcome } from './outcome.js';
import { SourceTroubles } from './source-troubles.js';
import { replyTo, turnAway } from './plain-reply.js';
import { discardAnswer, sendResponse } from './response-answer.js';
import type { SseRoute } from '../nest/sse-routes.js';
import type { PlainAnswer, RequestStreamInit, StreamHost } from './stream-host.js';
import { StreamSink } from './stream-sink.js';
import { StreamTime } from './stream-time.js';

/** One request to an `@Sse()` route: the handler's result, what became of it, and all that has to be let go of. */
export class RequestStream implements HandlerPort, ConnectionListener {
  readonly connection: StreamConnection;
  readonly context: ExecutionContext;
  readonly comesBack: boolean;
  /** Whether the client asks for nothing but the head. */
  private readonly headOnly: boolean;
  /** The route's ordinary answer, where the handler gave no stream. */
  plain: PlainAnswer | undefined;
  /** Whether the handler takes over the response, and may answer at any time. */
  private takenOver = false;
  private outcome = new Outcome();
  private intercepted: InterceptedCall | undefined;
  /** The limit that leaves no room, where it is the stream that says so. */
  private full: ResolvedLimit | undefined;
  /** The source, until it is started. */
  private source: Source | undefined;
  /** What runs for the stream and is to be stopped with it: its source, or all that is behind interceptors. */
  private running: Running | undefined;
  private readonly admission: Admission | undefined;
  private readonly time: StreamTime;
  private composed: Pipeline | undefined;
  private teardown: SourceTroubles | undefined;
  private opening: Opening | undefined;
  /** The head that the source brings. */
  private head: ResponseHead | undefined;

  constructor(
    readonly host: StreamHost,
    readonly route: SseRoute,
    { context, request, response, lastEventId }: RequestStreamInit,
  ) {
    const { connections } = host;
    const { options } = route;
    this.context = context;
    const { method, headers } = rawRequest(request);
    this.headOnly = method === 'HEAD';
    this.comesBack = reconnectsByItself(method, headers['cache-control']);
    const number = connections.nextNumber();
    this.connection = new StreamConnection(
      connections,
      options,
      { number, request, response, lastEventId },
      this,
    );
    if (options.limits.length > 0) {
      this.admission = new Admission(this, () => this.replaced());
    }
    this.time = new StreamTime(this);
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
      unheard: (error) => this.troubles.onLateError(error),
    }));
  }

  /** Where encoded events go. */
  get batches(): BatchConsumer {
    return this.connection.outlet;
  }

  /** Reports errors to the log and to the hook of the application. */
  get troubles(): SourceTroubles {
    return (this.teardown ??= new SourceTroubles(this));
  }

  /**
   * Whether the request may go on to the interceptors, the pipes and the handler: not if the client is only to be told to
   * stay away, or its time is up, or a limit says no.
   *
   * @throws {Error} what the limit, or the option that is asked, answers with.
   */
  admit(): boolean | Promise<boolean> {
    const { connection } = this;
    // A stream that has ended, asked for again by a client that does so by itself (WHATWG HTML, 9.2.3).
    if (connection.lastEventId === END_OF_STREAM_ID) {
      this.answer({ value: undefined, status: 204 });
      // Nest has nothing more to do, and no answer means that but one that does not come.
      return new Promise<never>(() => undefined);
    }
    if (connection.ended || this.headOnly) return true;
    try {
      this.time.begin();
      const full = this.admission?.take();
      if (full && 'then' in full) return this.admitLater(full);
      this.full = full;
    } catch (error) {
      this.failed(error);
    }
    this.outcome.check();
    return true;
  }

  /** Waits for the limits, or for the end of the stream if that comes first. */
  private admitLater(asked: Promise<ResolvedLimit | undefined>): Promise<boolean> {
    const admitted = asked.then((full) => {
      this.full = full;
      return true;
    });
    return this.outcome.admission(
      admitted.catch((error: unknown) => {
        this.failed(error);
        return false;
      }),
    );
  }

  intercept(next: CallHandler<unknown>): Observable<unknown> {
    // Interceptors of a handler stand behind those of its controller, and the gate before both.
    if (this.intercepted) return next.handle();
    return new Observable((subscriber) => {
      const call = new InterceptedCall(this, subscriber);
      this.intercepted = call;
      this.outcome.tell(call);
      this.begin(() => this.hold(call.proceed(next)));
      return () => this.abandon();
    });
  }

  handle(invoke: () => unknown, takenOver = false): unknown {
    this.outcome.check();
    this.takenOver = takenOver;
    if (!this.admission || this.connection.ended || this.full) return this.call(invoke);
    const ready = this.admission.makeRoom(invoke);
    return 'then' in ready ? ready.then((proceed) => this.call(proceed)) : this.call(ready);
  }

  private call(invoke: () => unknown): unknown {
    if (this.intercepted) return this.intercepted.handle(invoke);
    this.begin(() => this.invoke(invoke));
    // What came at once goes out with the head, and Nest need not wait for it.
    if (this.connection.used) this.connection.open();
    return this.outcome.wait();
  }

  // Where no interceptor is to see what a handler emits, its source is opened here, and its values go past rxjs.
  private invoke(invoke: () => unknown): void {
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

  /** Goes on with `proceed`, if the handler is needed. */
  private begin(proceed: () => void): void {
    const { connection, full } = this;
    if (connection.ended) return;
    if (this.headOnly) return connection.complete();
    if (!full) return proceed();
    connection.next(retryAfter(full.retryMs));
    connection.complete();
  }

  /** The source behind a handler's result; none where that is an ordinary answer, or nobody is there any more. */
  take(result: unknown): Source | undefined {
    const { connection } = this;
    if (this.isAnsweredByHandler(result)) {
      this.plain = { value: undefined, byHandler: true };
      return undefined;
    }
    const source = isChannelSubscription(result)
      ? new ChannelSource(result)
      : toSource(result, this.troubles);
    if (connection.ended) {
      if (source) source.discard();
      else discardAnswer({ value: result });
      return undefined;
    }
    if (!source) this.plain = { value: result };
    this.source = source;
    this.head = source?.head;
    return source;
  }

  /** With Express and Fastify, handlers that answer by themselves may return the response. */
  private isAnsweredByHandler(result: unknown): boolean {
    const { response, outlet } = this.connection;
    return result === undefined ? this.takenOver : result === response || result === outlet.raw;
  }

  /** Streams a handler's result (`resolved`: from a promise), or gives it as the answer. */
  private open(result: unknown, resolved: boolean): void {
    const source = this.take(result);
    if (!source) return this.plain && this.answer(this.plain);
    this.hold(this.start(source, new StreamSink(this)));
    if (!this.connection.used && !this.connection.ended) this.scheduleHead(source, resolved);
  }

  /** Starts a source that was taken. */
  start(source: Source, sink: Sink<unknown>): Running {
    this.source = undefined;
    return source.open(sink, this.connection);
  }

  /** Has the head go out, also if no event comes. */
  scheduleHead(source: Source, resolved: boolean): void {
    this.opening = new Opening(this.connection, this.comesBack);
    if (source instanceof ChannelSource) this.opening.atPlace(source.subscription);
    else this.opening.after(resolved || source.head || !source.pulled ? 0 : this.route.options.openAfterMs);
  }

  /** Takes what is to be stopped once the stream is over. */
  private hold(running: Running): void {
    this.running = running;
    if (this.connection.ended) this.letGo();
  }

  /** An interceptor gave a value. */
  emitted(value: unknown): void {
    if (this.plain) this.plain = { ...this.plain, value };
    else this.stages.values.next(value);
  }

  /** The interceptors gave all they had. */
  completed(): void {
    if (this.plain) this.answer(this.plain);
    else this.stages.values.complete();
  }

  /** The source, the handler, or what is before it has failed. */
  failed(error: unknown): void {
    // A source may throw when its signal aborts, and the client has left by then.
    if (this.connection.ended) return this.troubles.onLateError(error);
    this.stages.values.error(toHttpError(this.troubles.toError(error)));
  }

  broken(error: unknown): void {
    this.troubles.report(error);
  }

  private abandon(): void {
    // Nest has no use for the stream any more.
    if (this.outcome.pending && !this.connection.ended) this.connection.destroy('SSE_CLIENT_GONE');
  }

  /** Leaves the response to an ordinary answer. */
  private answer(answer: PlainAnswer): void {
    this.plain = answer;
    try {
      if (sendResponse(answer, this.connection, this.troubles)) this.outcome.answered();
      else this.connection.release();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Another connection took the place of this one, whose client must not take it back. */
  private replaced(): void {
    this.connection.endWith(this.comesBack ? FAREWELL : undefined, 'SSE_CLOSED');
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
    // With the head out there is nothing left for Nest to do: all that it holds for a request goes, and not at the end.
    this.outcome.answered();
    this.outcome = ANSWERED;
    dropNext(this.context);
    // Each entry of a weak map costs the collector, and nobody asks for this one but an interceptor that is still to come
    // to the handler.
    if (!this.intercepted) dropPort(connection.response);
  }

  /** A guard no longer lets the stream through. */
  revoked(error: unknown): void {
    this.connection.cause = 'SSE_REVOKED';
    this.failed(error);
  }

  cutOff(limit: CutOffLimit): void {
    const { host, route, connection } = this;
    host.cutOffs.add(connection, cutOff(limit, route.options, host.connections.budget.maxBytes));
  }

  closed(code: SseErrorCode, error?: unknown): void {
    const { connection, host, outcome, plain } = this;
    this.opening?.cancel();
    this.time.stop();
    this.admission?.release();
    this.letGo();
    if (!connection.started) host.connections.delete(connection);
    if (!outcome.pending) return;
    if (error !== undefined) {
      this.troubles.answeredWith(error);
      outcome.failed(error);
    } else if (plain && code === 'SSE_ENDED') replyTo(this, plain, outcome);
    else if (code === 'SSE_SHUTDOWN' && !connection.started) turnAway(this, outcome);
    else outcome.answered();
  }

  finished(): void {
    this.host.connections.delete(this.connection);
  }

  private letGo(): void {
    const { running, source } = this;
    this.running = undefined;
    this.source = undefined;
    running?.unsubscribe();
    source?.discard();
    if (this.plain) discardAnswer(this.plain);
  }
}
