import type { SseOptions, SseRouteOptions } from '../options/sse.options.js';

/** Options of `@Sse()` on a handler. A route is an `@Sse()` route if it has this metadata. */
export const ROUTE_OPTIONS = Symbol.for('nestjs-event-stream:route-options');
/** Options of `@SseDefaults()` on a controller. */
export const CONTROLLER_OPTIONS = Symbol.for('nestjs-event-stream:controller-options');

export function routeOptionsOf(handler: object): SseRouteOptions | undefined {
  return Reflect.getMetadata(ROUTE_OPTIONS, handler) as SseRouteOptions | undefined;
}

export function controllerOptionsOf(controller: object): SseOptions | undefined {
  return Reflect.getMetadata(CONTROLLER_OPTIONS, controller) as SseOptions | undefined;
}
