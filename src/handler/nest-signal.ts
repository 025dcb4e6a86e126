import * as nest from '@nestjs/common';
import { SseSignal } from './parameters.decorator.js';
import { routeArguments, setRouteArguments } from '../nest/route-arguments.js';

/** Nest 12's own `@SseSignal()`, which finds nothing on a route that is not Nest's. */
const NESTS = factoryOf((nest as { SseSignal?: () => ParameterDecorator }).SseSignal);
const OURS = factoryOf(SseSignal);

/** Has Nest's own `@SseSignal()` of a handler give what this library's does. */
export function useOwnSignal(target: object, key: string | symbol): void {
  const entries = routeArguments(target.constructor, key);
  if (NESTS === undefined || !entries.some(([, { factory }]) => factory === NESTS)) return;
  const ours = entries.map(
    ([name, argument]) =>
      [name, argument.factory === NESTS ? { ...argument, factory: OURS } : argument] as const,
  );
  setRouteArguments(target.constructor, key, ours);
}

/** What stands behind a parameter decorator: the same function wherever it is used. */
function factoryOf(decorator: (() => ParameterDecorator) | undefined): unknown {
  class Probe {
    method(): void {}
  }
  decorator?.()(Probe.prototype, 'method', 0);
  return routeArguments(Probe, 'method')[0]?.[1].factory;
}
