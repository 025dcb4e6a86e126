import { Res } from '@nestjs/common';
import { routeArguments, setRouteArguments, type RouteArgument } from './route-arguments.js';

const ADDED_TO = Symbol.for('nestjs-event-stream:response-added-to');

/** Of the hidden parameter it is also known whose method it was added to. */
interface Argument extends RouteArgument {
  readonly [ADDED_TO]?: object;
}

/**
 * Has Nest hand the response to a method behind its own parameters, wherever these end, and says where. The response is
 * ours from then on: Nest leaves it alone where a handler takes it.
 */
export function addResponse(target: object, key: string | symbol, method: { length: number }): number {
  dropInheritedResponse(target, key);
  const types = Reflect.getMetadata('design:paramtypes', target, key) as unknown[] | undefined;
  const positions = routeArguments(target.constructor, key).map(([, argument]) => argument.index + 1);
  const index = Math.max(method.length, types?.length ?? 0, ...positions);
  Res()(target, key, index);
  const marked = routeArguments(target.constructor, key).map(
    ([name, argument]) =>
      [name, argument.index === index ? { ...argument, [ADDED_TO]: target } : argument] as const,
  );
  setRouteArguments(target.constructor, key, marked);
  return index;
}

/**
 * Takes the response from a method that overrides one it was added to: Nest keeps what it knows of parameters by class
 * and name, so an ordinary route would inherit it, and never be answered.
 */
export function dropInheritedResponse(target: object, key: string | symbol): void {
  let owner: object | null = target;
  while (owner && !Object.hasOwn(owner, key)) owner = Object.getPrototypeOf(owner) as object | null;
  const all = routeArguments<Argument>(target.constructor, key);
  const own = all.filter(([, { [ADDED_TO]: addedTo = owner }]) => addedTo === owner);
  if (own.length < all.length) setRouteArguments(target.constructor, key, own);
}
