import type { ExecutionContext } from '@nestjs/common';
import type { StreamConnection } from '../connection/connection.js';
import type { SseConnections } from '../connection/sse-connections.js';
import type { ErrorReports } from '../errors/error-reports.js';
import type { SseErrorCode } from '../errors/sse.errors.js';
import type { RouteGuards } from '../nest/route-guards.js';
import type { SseRoute } from '../nest/sse-routes.js';
import type { SseErrorContext } from '../options/error-context.js';
import type { Running } from '../source/source.js';
import type { CutOffLog } from './cut-off-log.js';

/** The parts of an application that its streams share. */
export interface StreamHost {
  readonly connections: SseConnections;
  readonly guards: RouteGuards;
  readonly reports: ErrorReports<SseErrorContext>;
  readonly cutOffs: CutOffLog;
  setHeader(response: object, name: string, value: string): void;
  /** Sends an ordinary answer. */
  answer(stream: RoutedStream, answer: PlainAnswer): Promise<void>;
}

/** The half of a request that Nest knows. It hears of the head and of the end of its stream. */
export interface StreamOwner {
  /** True while slots of a limit are held, which the end of the stream must release. */
  readonly holdsSlots: boolean;
  /** The head is sent, so the request is answered. */
  headSent(): void;
  /** The stream is over. `error` is there if nothing was sent, and an HTTP error can be. */
  ended(code: SseErrorCode, error?: unknown): void;
}

/** An ordinary answer, as any route gives. */
export interface PlainAnswer {
  value: unknown;
  /** Replaces the status of the response. */
  status?: number;
  /** Sends the body of a web `Response`. */
  sending?: Running;
  /** True if the handler answers by itself, now or later, and the library must not. */
  byHandler?: boolean;
}

/** The parts of a request that a stream is made of. */
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
