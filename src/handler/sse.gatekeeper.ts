import type { SseErrorContext } from '../options/error-context.js';
import { HttpException, Inject, Injectable, Logger, ServiceUnavailableException } from '@nestjs/common';
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { defer, mergeMap, type Observable } from 'rxjs';
import { isAnswered, rawRequest, rawResponse } from '../connection/response.js';
import { waitingBefore } from '../connection/response-life.js';
import { SseConnections } from '../connection/sse-connections.js';
import { readLastEventId } from '../request/admission.js';
import { CutOffLog } from '../request/cut-off-log.js';
import { EmptyAnswers } from '../request/empty-answers.js';
import type { Gatekeeper } from '../nest/gate.js';
import { portOf, setPort } from '../request/handler-port.js';
import { RequestStream } from '../request/request-stream.js';
import { ErrorReports } from '../errors/error-reports.js';
import type { SseModuleOptions } from '../options/sse.options.js';
import { SSE_MODULE_OPTIONS } from '../options/sse.tokens.js';
import { RouteGuards } from '../nest/route-guards.js';
import { SseRoutes, type SseRoute } from '../nest/sse-routes.js';
import type { PlainAnswer, RoutedStream, StreamHost } from '../request/stream-host.js';

/**
 * How many streams may wait for the responses before them on one connection. Each runs its handler while its client
 * sees nothing of it, and Node stops reading a connection with much to send: it then notices no client that leaves.
 */
const MAX_WAITING = 8;

/**
 * Stands before the handlers of `@Sse()` routes: makes the stream of a request that all guards let through, and stands
 * outside the interceptors, where there are any, so that they see each value that the handler emits.
 */
@Injectable()
export class SseGatekeeper implements Gatekeeper, StreamHost {
  readonly reports: ErrorReports<SseErrorContext>;
  readonly cutOffs: CutOffLog;
  private readonly emptyAnswers: EmptyAnswers;

  constructor(
    @Inject(SseRoutes) private readonly routes: SseRoutes,
    @Inject(SseConnections) readonly connections: SseConnections,
    @Inject(RouteGuards) readonly guards: RouteGuards,
    @Inject(HttpAdapterHost) private readonly adapters: HttpAdapterHost,
    @Inject(SSE_MODULE_OPTIONS) { onError }: SseModuleOptions,
  ) {
    this.reports = new ErrorReports<SseErrorContext>(new Logger('SseModule'), onError);
    this.cutOffs = new CutOffLog(this.reports, connections.timers);
    this.emptyAnswers = new EmptyAnswers(this.reports);
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const route = this.routes.of(context);
    // Not by `switchToHttp()`, which leaves functions on the context for as long as the stream is open.
    const [request, response] = context.getArgs<[object, object]>();
    if (!route || this.isStreaming(route, response)) return true;
    return this.stream(route, context, request, response).admit();
  }

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    if (context.getType() !== 'http' || !this.routes.of(context)) return next.handle();
    const response = context.getArgByIndex<object>(1);
    const port = portOf(response);
    if (port) return port.intercept(next);
    // A framework where the gate is not found: nobody has come past it.
    return defer(() => Promise.resolve(this.canActivate(context))).pipe(
      mergeMap(() => portOf(response)?.intercept(next) ?? next.handle()),
    );
  }

  /** A handler that calls `next()` leaves the response to another route. */
  private isStreaming(route: SseRoute, response: object): boolean {
    const port = portOf(response);
    return port !== undefined && !(port instanceof RequestStream && port.route !== route);
  }

  private stream(
    route: SseRoute,
    context: ExecutionContext,
    request: object,
    response: object,
  ): RequestStream {
    if (this.connections.closing) {
      // The next request is to go to another process; over HTTP/2 the session says so (RFC 9113, 8.2.2).
      if (rawRequest(request).httpVersionMajor === 1) this.setHeader(response, 'Connection', 'close');
      throw new ServiceUnavailableException('The application is shutting down.');
    }
    if (waitingBefore(rawResponse(response)) >= MAX_WAITING) throw tooManyWaiting();
    const lastEventId = readLastEventId(request, route.options);
    const stream = new RequestStream(this, route, { context, request, response, lastEventId });
    setPort(response, stream);
    return stream;
  }

  setHeader(response: object, name: string, value: string): void {
    this.adapters.httpAdapter.setHeader(response, name, value);
  }

  async answer(
    { route, connection }: RoutedStream,
    { value, status, byHandler }: PlainAnswer,
  ): Promise<void> {
    const { response } = connection;
    // As Nest: nothing is sent for a handler that answers by itself.
    if (byHandler === true || isAnswered(response)) return;
    if (status === undefined) this.emptyAnswers.note(route, connection.route, response, value);
    await this.adapters.httpAdapter.reply(response, value, status);
  }
}

function tooManyWaiting(): HttpException {
  const message = `Too many streams wait on this connection: the limit is ${MAX_WAITING}. Use another connection.`;
  return new HttpException({ statusCode: 429, error: 'Too Many Requests', message }, 429);
}
