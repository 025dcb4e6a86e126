/** The metadata key of parameter decorators, by class and method. It has not changed since Nest's first release. */
const ROUTE_ARGS = '__routeArguments__';

/** Nest's metadata of a decorated parameter. */
export interface RouteArgument {
  readonly index: number;
  /** The function that returns the value, for decorators of `createParamDecorator()`. */
  readonly factory?: unknown;
}

type Entry<T> = readonly [name: string, argument: T];

/** The decorated parameters of a method, including inherited ones. */
export function routeArguments<T extends RouteArgument>(
  controller: object,
  key: string | symbol,
): Entry<T>[] {
  return Object.entries((Reflect.getMetadata(ROUTE_ARGS, controller, key) ?? {}) as Record<string, T>);
}

/** Replaces the decorated parameters of a method, for this class only. */
export function setRouteArguments(
  controller: object,
  key: string | symbol,
  entries: Entry<RouteArgument>[],
): void {
  Reflect.defineMetadata(ROUTE_ARGS, Object.fromEntries(entries), controller, key);
}

/** The factory of a parameter decorator: the same function wherever the decorator is used. */
export function factoryOf(decorator: (() => ParameterDecorator) | undefined): unknown {
  class Probe {
    method(): void {}
  }
  decorator?.()(Probe.prototype, 'method', 0);
  return routeArguments(Probe, 'method')[0]?.[1].factory;
}
