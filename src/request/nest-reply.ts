import type { CallHandler } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { StreamConnection } from '../connection/connection.js';
import { rawRequest } from '../connection/response.js';
import type { SseErrorCode } from '../errors/sse.errors.js';
import { retryAfter } from '../events/sse-event.js';
import type { ResolvedLimit } from '../limits/limit.options.js';
import type { SseRoute } from '../nest/sse-routes.js';
import { END_OF_STREAM_ID } from '../wire/end-of-stream.js';
import { Admission } from './admission.js';
import { InterceptedCall } from './intercepted-call.js';
import { ANSWERED, Outcome } from './outcome.js';
import { replyTo, turnAway } from './plain-reply.js';
import { dropNext, dropReply, type Reply } from './reply.js';
import { RequestStream } from './request-stream.js';
import type { RequestStreamInit, StreamHost, StreamOwner } from './stream-host.js';

/** The result of one request for Nest: whether it is admitted, the result of its handler, and its error. */
export class NestReply implements Reply, StreamOwner {
  private readonly stream: RequestStream;
  /** True for HEAD: the client asks for the head only. */
  private readonly headOnly: boolean;
  private readonly admission: Admission | undefined;
  private outcome = new Outcome();
  private intercepted: InterceptedCall | undefined;
  /** The limit that has no place left, if the answer to that is a stream. */
  private full: ResolvedLimit | undefined;

  constructor(host: StreamHost, route: SseRoute, init: RequestStreamInit) {
    this.headOnly = rawRequest(init.request).method === 'HEAD';
    const stream = new RequestStream(host, route, init, this);
    this.stream = stream;
    if (route.options.limits.length > 0) this.admission = new Admission(stream, () => stream.replaced());
    stream.begin();
  }

  get connection(): StreamConnection {
    return this.stream.connection;
  }

  get route(): SseRoute {
    return this.stream.route;
  }

  get holdsSlots(): boolean {
    return this.admission !== undefined;
  }

  /**
   * Decides whether the request may go on to the interceptors, the pipes and the handler. It may not if the
   * stream has already ended for this client. It may not either if the right to it has expired, or if a limit is reached.
   *
   * @throws {Error} the error that the limit or the option answers with
   */
  admit(): boolean | Promise<boolean> {
    const { connection, stream } = this;
    // The stream has ended, and its client reconnects by itself (WHATWG HTML, 9.2.3).
    if (connection.lastEventId === END_OF_STREAM_ID) {
      stream.send({ value: undefined, status: 204 });
      // The 204 is already on its way. A guard can only allow or deny, so a promise that never settles stops Nest here.
      return new Promise<never>(() => undefined);
    }
    if (connection.ended || this.headOnly) return true;
    try {
      stream.time.begin();
      const full = this.admission?.take();
      if (full && 'then' in full) return this.admitLater(full);
      this.full = full;
    } catch (error) {
      stream.failed(error);
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
        this.stream.failed(error);
        return false;
      }),
    );
  }

  intercept(next: CallHandler<unknown>): Observable<unknown> {
    // The guard's interceptor comes before those of the controller and before those of the handler: the second call is here.
    if (this.intercepted) return next.handle();
    return new Observable((subscriber) => {
      const call = new InterceptedCall(this.stream, subscriber);
      this.intercepted = call;
      this.outcome.tell(call);
      this.begin(() => this.stream.hold(call.proceed(next)));
      return () => this.abandon();
    });
  }

  handle(invoke: () => unknown, takenOver = false): unknown {
    this.outcome.check();
    this.stream.takenOver = takenOver;
    if (!this.admission || this.connection.ended || this.full) return this.call(invoke);
    const ready = this.admission.makeRoom(invoke);
    return 'then' in ready ? ready.then((proceed) => this.call(proceed)) : this.call(ready);
  }

  private call(invoke: () => unknown): unknown {
    if (this.intercepted) return this.intercepted.handle(invoke);
    this.begin(() => this.stream.run(invoke));
    // Events that were yielded at once are sent together with the head, and Nest need not wait for it.
    if (this.connection.used) this.connection.open();
    return this.outcome.wait();
  }

  /** Calls `proceed`, unless the client needs no handler. */
  private begin(proceed: () => void): void {
    const { connection, full } = this;
    if (connection.ended) return;
    if (this.headOnly) return connection.complete();
    if (!full) return proceed();
    connection.next(retryAfter(full.retryMs));
    connection.complete();
  }

  /** Nest unsubscribes from the stream. */
  private abandon(): void {
    if (this.outcome.pending && !this.connection.ended) this.connection.destroy('SSE_CLIENT_GONE');
  }

  headSent(): void {
    const { context, connection } = this.stream;
    // Nest has nothing left to do. Its objects for this request are released now, and not when the stream ends.
    this.outcome.answered();
    this.outcome = ANSWERED;
    dropNext(context);
    // Each entry of a weak map costs the garbage collector time. Only an interceptor that has not yet reached the handler
    // still needs this one.
    if (!this.intercepted) dropReply(connection.response);
  }

  ended(code: SseErrorCode, error?: unknown): void {
    const { stream, outcome } = this;
    this.admission?.release();
    if (!outcome.pending) return;
    if (error !== undefined) {
      stream.troubles.answeredWith(error);
      outcome.failed(error);
    } else if (stream.answer && code === 'SSE_ENDED') replyTo(stream, stream.answer, outcome);
    else if (code === 'SSE_SHUTDOWN' && !stream.connection.started) turnAway(stream, outcome);
    else outcome.answered();
  }
}
