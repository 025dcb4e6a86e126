import { Inject, Injectable, Logger, ServiceUnavailableException } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Observable, type Subscriber } from 'rxjs';
import { isAnswered, rawRequest, rawResponse } from './connection/response.js';
import { SseConnections } from './connection/sse-connections.js';
import { readLastEventId } from './handler/admission.js';
import { CutOffLog } from './handler/cut-off-log.js';
import { EmptyAnswers } from './handler/empty-answers.js';
import { RequestStream } from './handler/request-stream.js';
import { PORT } from './handler/sse.metadata.js';
import { RouteGuards } from './handler/route-guards.js';
import { SseRoutes, type SseRoute } from './handler/sse-routes.js';
import type { RoutedStream, StreamHost } from './handler/stream-host.js';
import { END_OF_STREAM_ID } from './wire/end-of-stream.js';

/**
 * The one interceptor of `@Sse()` routes: it makes the connection, and stands outside all other interceptors, so that
 * those see each value that the handler emits. Where it is global because others are, an ordinary route passes it by.
 */
@Injectable()
export class SseInterceptor implements NestInterceptor<unknown, unknown>, StreamHost {
  readonly logger = new Logger('SseModule');
  readonly cutOffs: CutOffLog;
  private readonly emptyAnswers = new EmptyAnswers(this.logger);

  constructor(
    @Inject(SseRoutes) private readonly routes: SseRoutes,
    @Inject(SseConnections) readonly connections: SseConnections,
    @Inject(RouteGuards) readonly guards: RouteGuards,
    @Inject(HttpAdapterHost) private readonly adapters: HttpAdapterHost,
  ) {
    this.cutOffs = new CutOffLog(this.logger, connections.timers);
  }

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const route = this.routes.of(context);
    if (!route || PORT in rawResponse(context.getArgByIndex(1))) return next.handle();
    return new Observable((subscriber) => this.open(route, context, next, subscriber));
  }

  private open(
    route: SseRoute,
    context: ExecutionContext,
    next: CallHandler<unknown>,
    subscriber: Subscriber<unknown>,
  ): (() => void) | void {
    // Not by `switchToHttp()`, which leaves functions on the context for as long as the stream is open.
    const [request, response] = context.getArgs<[object, object]>();
    if (this.connections.closing) {
      // The next request is to go to another process; over HTTP/2 the session says so (RFC 9113, 8.2.2).
      if (rawRequest(request).httpVersionMajor === 1) this.setHeader(response, 'Connection', 'close');
      throw new ServiceUnavailableException('The application is shutting down.');
    }
    const lastEventId = readLastEventId(request, route.options);
    // A stream that has ended, asked for again by a client that does so by itself (WHATWG HTML, 9.2.3).
    if (lastEventId === END_OF_STREAM_ID) return this.reply(response, undefined, subscriber, 204);
    const stream = new RequestStream(this, { route, context, request, response, lastEventId, subscriber });
    if (rawRequest(request).method === 'HEAD') stream.connection.complete();
    else stream.run(next);
    return () => stream.abandon();
  }

  setHeader(response: object, name: string, value: string): void {
    this.adapters.httpAdapter.setHeader(response, name, value);
  }

  answer({ route, connection }: RoutedStream, value: unknown, subscriber: Subscriber<unknown>): void {
    this.emptyAnswers.note(route, connection.route, connection.response, value);
    this.reply(connection.response, value, subscriber);
  }

  /** An ordinary answer, as Nest would have given it; none where the handler has answered by itself, with `@Res()`. */
  private reply(response: object, value: unknown, subscriber: Subscriber<unknown>, status?: number): void {
    // `async` takes in that the adapter may throw, reject, or do neither.
    const replied = (async (): Promise<unknown> =>
      isAnswered(response) ? undefined : this.adapters.httpAdapter.reply(response, value, status))();
    replied.then(
      () => {
        subscriber.next(undefined);
        subscriber.complete();
      },
      (error: unknown) => subscriber.error(error),
    );
  }
}
