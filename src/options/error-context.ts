import type { ExecutionContext } from '@nestjs/common';
import type { SseConnection } from '../connection/sse-connection.js';
import type { ErrorContext } from '../errors/error-reports.js';

/** The origin of an error that was logged. */
export interface SseErrorContext extends ErrorContext {
  /** Class and method of the handler, such as `JobsController.progress`. Missing for runs. */
  readonly handler?: string;
  /** Method and path pattern, such as `GET /progress/:id`. Missing for runs. */
  readonly route?: string;
  /** The connection, with the request of the framework. Missing for runs. */
  readonly connection?: SseConnection;
  /** The execution context of the request, as guards and interceptors get it. Missing for runs. */
  readonly executionContext?: ExecutionContext;
}

/** Called with every error that the library logs. Its result is ignored; an error that it throws or rejects with is logged. */
export type OnError = (error: unknown, context: SseErrorContext) => unknown;
