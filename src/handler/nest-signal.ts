import * as nest from '@nestjs/common';
import { SseSignal } from './parameters.decorator.js';
import { factoryOf, routeArguments, setRouteArguments } from '../nest/route-arguments.js';

/** Nest 12's own `@SseSignal()`, which has no value on a route that is not Nest's own `@Sse()`. */
const NESTS = factoryOf((nest as { SseSignal?: () => ParameterDecorator }).SseSignal);
const OURS = factoryOf(SseSignal);

/** Makes Nest's own `@SseSignal()` on a handler return the same signal as that of this library. */
export function useOwnSignal(target: object, key: string | symbol): void {
  const entries = routeArguments(target.constructor, key);
  if (NESTS === undefined || !entries.some(([, { factory }]) => factory === NESTS)) return;
  const ours = entries.map(
    ([name, argument]) =>
      [name, argument.factory === NESTS ? { ...argument, factory: OURS } : argument] as const,
  );
  setRouteArguments(target.constructor, key, ours);
}
