import type { ExecutionContext } from '@nestjs/common';
import { routeOptionsOf } from '../nest/sse.metadata.js';

/**
 * True for a request to an `@Sse()` route. Global interceptors that wrap responses, time out or cache use it to skip streams.
 *
 * @example
 * if (isSseRoute(context)) return next.handle();
 */
export function isSseRoute(context: ExecutionContext): boolean {
  return routeOptionsOf(context.getHandler()) !== undefined;
}
