import { Res } from '@nestjs/common';
import { ROUTE_ARGS } from './sse.metadata.js';

/** What Nest keeps of a parameter; of the hidden one also whose method it was added to. */
interface Argument {
  index: number;
  [ADDED_TO]?: object;
}

const ADDED_TO = Symbol.for('nestjs-event-stream:response-added-to');

/**
 * Has Nest hand the response to a method behind its own parameters, wherever these end, and says where. The response is
 * ours from then on: Nest leaves it alone where a handler takes it.
 */
export function addResponse(target: object, key: string | symbol, method: { length: number }): number {
  dropInheritedResponse(target, key);
  const types = Reflect.getMetadata('design:paramtypes', target, key) as unknown[] | undefined;
  const positions = Object.values(argumentsOf(target, key)).map(({ index }) => index + 1);
  const index = Math.max(method.length, types?.length ?? 0, ...positions);
  Res()(target, key, index);
  const marked = Object.entries(argumentsOf(target, key)).map(([name, argument]) => [
    name,
    argument.index === index ? { ...argument, [ADDED_TO]: target } : argument,
  ]);
  Reflect.defineMetadata(ROUTE_ARGS, Object.fromEntries(marked), target.constructor, key);
  return index;
}

/**
 * Takes the response from a method that overrides one it was added to: Nest keeps what it knows of parameters by class
 * and name, so an ordinary route would inherit it, and never be answered.
 */
export function dropInheritedResponse(target: object, key: string | symbol): void {
  let owner: object | null = target;
  while (owner && !Object.hasOwn(owner, key)) owner = Object.getPrototypeOf(owner) as object | null;
  const all = Object.entries(argumentsOf(target, key));
  const own = all.filter(([, { [ADDED_TO]: addedTo = owner }]) => addedTo === owner);
  if (own.length < all.length) {
    Reflect.defineMetadata(ROUTE_ARGS, Object.fromEntries(own), target.constructor, key);
  }
}

function argumentsOf(target: object, key: string | symbol): Record<string, Argument> {
  return (Reflect.getMetadata(ROUTE_ARGS, target.constructor, key) ?? {}) as Record<string, Argument>;
}
