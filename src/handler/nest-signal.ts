import * as nest from '@nestjs/common';
import { SseSignal } from './parameters.decorator.js';
import { ROUTE_ARGS } from './sse.metadata.js';

/** What Nest keeps of a parameter with a decorator of its own kind. */
interface Argument {
  factory?: unknown;
}

/** Nest 12's own `@SseSignal()`, which finds nothing on a route that is not Nest's. */
const NESTS = factoryOf((nest as { SseSignal?: () => ParameterDecorator }).SseSignal);
const OURS = factoryOf(SseSignal);

/** Has Nest's own `@SseSignal()` of a handler give what this library's does. */
export function useOwnSignal(target: object, key: string | symbol): void {
  if (NESTS === undefined) return;
  const args = Object.entries(argumentsOf(target.constructor, key)).map(([name, argument]) => [
    name,
    argument.factory === NESTS ? { ...argument, factory: OURS } : argument,
  ]);
  if (args.length > 0) Reflect.defineMetadata(ROUTE_ARGS, Object.fromEntries(args), target.constructor, key);
}

/** What stands behind a parameter decorator: the same function wherever it is used. */
function factoryOf(decorator: (() => ParameterDecorator) | undefined): unknown {
  class Probe {
    method(): void {}
  }
  decorator?.()(Probe.prototype, 'method', 0);
  return Object.values(argumentsOf(Probe, 'method'))[0]?.factory;
}

function argumentsOf(controller: object, key: string | symbol): Record<string, Argument> {
  return (Reflect.getMetadata(ROUTE_ARGS, controller, key) ?? {}) as Record<string, Argument>;
}
