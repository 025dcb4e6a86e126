import type { SseErrorContext } from '../options/error-context.js';
import type { ExecutionContext } from '@nestjs/common';
import type { StreamConnection } from '../connection/connection.js';
import type { Running } from '../source/source.js';
import type { SseConnections } from '../connection/sse-connections.js';
import type { ErrorReports } from '../errors/error-reports.js';
import type { CutOffLog } from './cut-off-log.js';
import type { RouteGuards } from '../nest/route-guards.js';
import type { SseRoute } from '../nest/sse-routes.js';

/** What the streams of an application work with. */
export interface StreamHost {
  readonly connections: SseConnections;
  readonly guards: RouteGuards;
  readonly reports: ErrorReports<SseErrorContext>;
  readonly cutOffs: CutOffLog;
  setHeader(response: object, name: string, value: string): void;
  /** Sends an ordinary answer. */
  answer(stream: RoutedStream, answer: PlainAnswer): Promise<void>;
}

/** An ordinary answer, as any route gives. */
export interface PlainAnswer {
  value: unknown;
  /** In place of the one that the response has. */
  status?: number;
  /** What sends its body, where that takes time. */
  sending?: Running;
  /** Whether the handler answers, now or later, and the library must not. */
  byHandler?: boolean;
}

/** What a stream is made of. */
export interface RequestStreamInit {
  request: object;
  response: object;
  lastEventId: string | undefined;
  context: ExecutionContext;
}

/** A stream and the route that it belongs to. */
export interface RoutedStream {
  readonly route: SseRoute;
  readonly connection: StreamConnection;
}
