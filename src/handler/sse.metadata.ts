import type { SseOptions, SseRouteOptions } from '../options/sse.options.js';

/** Options of `@Sse()` on a handler; their presence is what makes a route ours. */
export const ROUTE_OPTIONS = Symbol.for('nestjs-event-stream:route-options');
/** Options of `@SseDefaults()` on a controller. */
export const CONTROLLER_OPTIONS = Symbol.for('nestjs-event-stream:controller-options');
/** Under this key a raw response carries the {@link HandlerPort} of its request. */
export const PORT = Symbol.for('nestjs-event-stream:port');

/** Where a handler's result goes: the other end is made by the module's interceptor, of whichever package format. */
export interface HandlerPort {
  /** The connection, as parameter decorators show it. */
  readonly connection: object;
  /** Takes what a handler returned (`resolved`: from a promise), and says what Nest is to go on with. */
  accept(result: unknown, resolved: boolean): unknown;
  /** Takes the error of a handler whose promise was rejected, and says what to throw on. */
  refuse(error: unknown): unknown;
}

export function routeOptionsOf(handler: object): SseRouteOptions | undefined {
  return Reflect.getMetadata(ROUTE_OPTIONS, handler) as SseRouteOptions | undefined;
}

export function controllerOptionsOf(controller: object): SseOptions | undefined {
  return Reflect.getMetadata(CONTROLLER_OPTIONS, controller) as SseOptions | undefined;
}
