import type { ExecutionContext } from '@nestjs/common';
import { routeOptionsOf } from '../nest/sse.metadata.js';

/**
 * Whether a request goes to an `@Sse()` route: for global interceptors that wrap responses, time out or cache, and
 * have to leave streams alone.
 *
 * @example
 * if (isSseRoute(context)) return next.handle();
 */
export function isSseRoute(context: ExecutionContext): boolean {
  return routeOptionsOf(context.getHandler()) !== undefined;
}
