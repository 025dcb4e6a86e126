import type { CallHandler, ExecutionContext } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { rawResponse } from '../connection/response.js';

/**
 * The result of one request for Nest. The guard makes it, and the method that `@Sse()` wrapped finds it by the response. The
 * two can be of different package formats, so it is an interface and not a class.
 */
export interface Reply {
  /** The connection, for parameter decorators. */
  readonly connection: object;
  /** Sends what the handler emits through the interceptors of the application. */
  intercept(next: CallHandler<unknown>): Observable<unknown>;
  /**
   * Calls the handler as soon as it may run, and returns its result for Nest. `takenOver` is true if the handler takes over
   * the response, which is how Nest reads `@Res()` and `@Next()`.
   */
  handle(invoke: () => unknown, takenOver?: boolean): unknown;
}

const REPLIES = Symbol.for('nestjs-event-stream:replies');

/**
 * The replies by raw response, in one map for both package formats. It is not a property of the response: one more property
 * makes V8 copy the hidden class of Express's responses, which was measured as 1.6 KB a request.
 */
const replies = ((globalThis as { [REPLIES]?: WeakMap<object, Reply> })[REPLIES] ??= new WeakMap());

/** The reply of a request, by the response of the framework. */
export function replyOf(response: object): Reply | undefined {
  return replies.get(rawResponse(response));
}

export function setReply(response: object, reply: Reply): void {
  replies.set(rawResponse(response), reply);
}

/** Removes the reply of a request before its response is collected. */
export function dropReply(response: object): void {
  replies.delete(rawResponse(response));
}

/** Removes Express's `next`, which holds the state of whole routers, from the arguments of a request. */
export function dropNext(context: ExecutionContext): void {
  context.getArgs<unknown[]>().length = 2;
}
