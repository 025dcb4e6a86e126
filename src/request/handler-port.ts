import type { CallHandler, ExecutionContext } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { rawResponse } from '../connection/response.js';

/** What stands between Nest and a handler, for one request: made by the gatekeeper, of whichever package format. */
export interface HandlerPort {
  /** The connection, as parameter decorators show it. */
  readonly connection: object;
  /** Lets what the handler emits through the interceptors of the application. */
  intercept(next: CallHandler<unknown>): Observable<unknown>;
  /**
   * Calls the handler, now or when it may run, and says what Nest is to go on with. `takenOver` says that the handler
   * takes over the response, as Nest means it by `@Res()` and `@Next()`.
   */
  handle(invoke: () => unknown, takenOver?: boolean): unknown;
}

const PORTS = Symbol.for('nestjs-event-stream:ports');

/**
 * The ports, by raw response; one map for both package formats. Not a property of the response: one more on Express's
 * has V8 copy all that it knows of them, 1.6 KB a request.
 */
const ports = ((globalThis as { [PORTS]?: WeakMap<object, HandlerPort> })[PORTS] ??= new WeakMap());

/** The port of a request, by its framework response. */
export function portOf(response: object): HandlerPort | undefined {
  return ports.get(rawResponse(response));
}

export function setPort(response: object, port: HandlerPort): void {
  ports.set(rawResponse(response), port);
}

/** Forgets the port of a request, before its response is collected. */
export function dropPort(response: object): void {
  ports.delete(rawResponse(response));
}

/** Express's `next` holds the state of whole routers, and nobody has a use for it once the head is out. */
export function dropNext(context: ExecutionContext): void {
  context.getArgs<unknown[]>().length = 2;
}
