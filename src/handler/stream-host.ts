import type { ExecutionContext, LoggerService } from '@nestjs/common';
import type { Subscriber } from 'rxjs';
import type { StreamConnection } from '../connection/connection.js';
import type { SseConnections } from '../connection/sse-connections.js';
import type { CutOffLog } from './cut-off-log.js';
import type { RouteGuards } from './route-guards.js';
import type { SseRoute } from './sse-routes.js';

/** What the streams of an application work with. */
export interface StreamHost {
  readonly connections: SseConnections;
  readonly guards: RouteGuards;
  readonly logger: LoggerService;
  readonly cutOffs: CutOffLog;
  setHeader(response: object, name: string, value: string): void;
  /** Sends a plain value as the route's ordinary answer, and tells Nest when that is done. */
  answer(stream: RoutedStream, value: unknown, subscriber: Subscriber<unknown>): void;
}

/** What a stream is made of. */
export interface RequestStreamInit {
  route: SseRoute;
  context: ExecutionContext;
  request: object;
  response: object;
  lastEventId: string | undefined;
  /** Nest, which waits for the answer. */
  subscriber: Subscriber<unknown>;
}

/** A stream and the route that it belongs to. */
export interface RoutedStream {
  readonly route: SseRoute;
  readonly connection: StreamConnection;
}
