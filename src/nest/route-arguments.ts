/** Under this key Nest keeps what parameter decorators say, by class and method; it has not changed since its first release. */
const ROUTE_ARGS = '__routeArguments__';

/** What Nest keeps of a parameter. */
export interface RouteArgument {
  readonly index: number;
  /** What gives the value, where the decorator is made by `createParamDecorator()`. */
  readonly factory?: unknown;
}

type Entry<T> = readonly [name: string, argument: T];

/** What is known of the parameters of a method, inherited or its own. */
export function routeArguments<T extends RouteArgument>(
  controller: object,
  key: string | symbol,
): Entry<T>[] {
  return Object.entries((Reflect.getMetadata(ROUTE_ARGS, controller, key) ?? {}) as Record<string, T>);
}

/** Puts other ones in their place, for this class alone. */
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
