import { HttpException, Inject, Injectable, Logger, ServiceUnavailableException } from '@nestjs/common';
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { defer, mergeMap, type Observable } from 'rxjs';
import { isAnswered, rawRequest, rawResponse } from '../connection/response.js';
import { waitingBefore } from '../connection/response-life.js';
import { SseConnections } from '../connection/sse-connections.js';
import { ErrorReports } from '../errors/error-reports.js';
import { RouteGuards } from '../nest/route-guards.js';
import { SseRoutes, type SseRoute } from '../nest/sse-routes.js';
import type { StreamGuard } from '../nest/stand-in.js';
import type { SseErrorContext } from '../options/error-context.js';
import type { ModuleSettings } from '../options/resolve-options.js';
import { SSE_MODULE_OPTIONS } from '../options/sse.tokens.js';
import { CutOffLog } from '../request/cut-off-log.js';
import { EmptyAnswers } from '../request/empty-answers.js';
import { readLastEventId } from '../request/last-event-id.js';
import { NestReply } from '../request/nest-reply.js';
import { replyOf, setReply } from '../request/reply.js';
import type { PlainAnswer, RoutedStream, StreamHost } from '../request/stream-host.js';

/**
 * The number of streams that may wait for the responses before them on one connection. Each runs its handler while its client
 * receives nothing of it. Node also stops reading a connection with much to send, and then notices no client that leaves.
 */
const MAX_WAITING = 8;

/**
 * The last guard of each `@Sse()` route, and its first interceptor if it has any. It makes the stream of a request that all
 * other guards have allowed.
 */
@Injectable()
export class SseGuard implements StreamGuard, StreamHost {
  readonly reports: ErrorReports<SseErrorContext>;
  readonly cutOffs: CutOffLog;
  private readonly emptyAnswers: EmptyAnswers;

  constructor(
    @Inject(SseRoutes) private readonly routes: SseRoutes,
    @Inject(SseConnections) readonly connections: SseConnections,
    @Inject(RouteGuards) readonly guards: RouteGuards,
    @Inject(HttpAdapterHost) private readonly adapters: HttpAdapterHost,
    @Inject(SSE_MODULE_OPTIONS) { onError }: ModuleSettings,
  ) {
    this.reports = new ErrorReports<SseErrorContext>(new Logger('SseModule'), onError);
    this.cutOffs = new CutOffLog(this.reports, connections.timers);
    this.emptyAnswers = new EmptyAnswers(this.reports);
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const route = this.routes.of(context);
    // `switchToHttp()` would leave functions on the context for as long as the stream is open.
    const [request, response] = context.getArgs<[object, object]>();
    if (!route || this.isStreaming(route, response)) return true;
    return this.reply(route, context, request, response).admit();
  }

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    if (context.getType() !== 'http' || !this.routes.of(context)) return next.handle();
    const response = context.getArgByIndex<object>(1);
    const reply = replyOf(response);
    if (reply) return reply.intercept(next);
    // In other frameworks the stand-in does not find this guard, so `canActivate()` has not been called yet.
    return defer(() => Promise.resolve(this.canActivate(context))).pipe(
      mergeMap(() => replyOf(response)?.intercept(next) ?? next.handle()),
    );
  }

  /** False for a handler that calls `next()`: it leaves the response to another route. */
  private isStreaming(route: SseRoute, response: object): boolean {
    const reply = replyOf(response);
    return reply !== undefined && !(reply instanceof NestReply && reply.route !== route);
  }

  private reply(route: SseRoute, context: ExecutionContext, request: object, response: object): NestReply {
    if (this.connections.closing) {
      // The next request should reach another process. Over HTTP/2 the session says so (RFC 9113, 8.2.2).
      if (rawRequest(request).httpVersionMajor === 1) this.setHeader(response, 'Connection', 'close');
      throw new ServiceUnavailableException('The application is shutting down.');
    }
    if (waitingBefore(rawResponse(response)) >= MAX_WAITING) throw tooManyWaiting();
    const lastEventId = readLastEventId(request, route.options);
    const reply = new NestReply(this, route, { context, request, response, lastEventId });
    setReply(response, reply);
    return reply;
  }

  setHeader(response: object, name: string, value: string): void {
    this.adapters.httpAdapter.setHeader(response, name, value);
  }

  async answer(
    { route, connection }: RoutedStream,
    { value, status, byHandler }: PlainAnswer,
  ): Promise<void> {
    const { response } = connection;
    // Nest does the same: nothing is sent for a handler that answers by itself.
    if (byHandler === true || isAnswered(response)) return;
    if (status === undefined) this.emptyAnswers.note(route, connection.route, response, value);
    await this.adapters.httpAdapter.reply(response, value, status);
  }
}

function tooManyWaiting(): HttpException {
  const message = `Too many streams wait on this connection: the limit is ${MAX_WAITING}. Use another connection.`;
  return new HttpException({ statusCode: 429, error: 'Too Many Requests', message }, 429);
}
