import { Res } from '@nestjs/common';
import { routeArguments, setRouteArguments, type RouteArgument } from './route-arguments.js';

const ADDED_TO = Symbol.for('nestjs-event-stream:response-added-to');
/** The metadata key of `@Res({ passthrough: true })`, by class and method, since Nest 7. */
const PASSTHROUGH = '__responsePassthrough__';
/** The keys of `@Res()` and `@Next()` in Nest's route arguments start with these numbers of `RouteParamtypes`. */
const RESPONSE_OR_NEXT = /^[12]:/;

/** The hidden parameter also stores the method to which it was added, and the previous `passthrough`. */
interface Argument extends RouteArgument {
  readonly [ADDED_TO]?: object;
  readonly [PASSTHROUGH]?: boolean;
}

/** The result of {@link addResponse}. */
export interface HiddenResponse {
  /** The index of the hidden parameter. */
  index: number;
  /** True if the method takes over the response: it has `@Res()` or `@Next()`, and no `passthrough`. */
  takenOver: boolean;
}

/**
 * Adds a hidden `@Res()` after the parameters of a method. Nest does not send a response for a handler with `@Res()`, so only
 * this library does. With `passthrough` Nest would send one as well, and end a stream whose head was already sent.
 */
export function addResponse(
  target: object,
  key: string | symbol,
  method: { length: number },
): HiddenResponse {
  dropInheritedResponse(target, key);
  const { constructor } = target;
  const types = Reflect.getMetadata('design:paramtypes', target, key) as unknown[] | undefined;
  const own = routeArguments(constructor, key);
  const index = Math.max(method.length, types?.length ?? 0, ...own.map(([, argument]) => argument.index + 1));
  const passthrough = Reflect.getMetadata(PASSTHROUGH, constructor, key) === true;
  Res()(target, key, index);
  Reflect.defineMetadata(PASSTHROUGH, false, constructor, key);
  const marked = routeArguments(constructor, key).map(
    ([name, argument]) =>
      [
        name,
        argument.index === index ? { ...argument, [ADDED_TO]: target, [PASSTHROUGH]: passthrough } : argument,
      ] as const,
  );
  setRouteArguments(constructor, key, marked);
  return { index, takenOver: !passthrough && own.some(([name]) => RESPONSE_OR_NEXT.test(name)) };
}

/**
 * Removes the hidden parameter from a method that overrides the one to which it was added. Nest stores parameters by class and
 * method name, so an ordinary route would inherit it and would never be answered.
 */
export function dropInheritedResponse(target: object, key: string | symbol): void {
  let owner: object | null = target;
  while (owner && !Object.hasOwn(owner, key)) owner = Object.getPrototypeOf(owner) as object | null;
  const { constructor } = target;
  const all = routeArguments<Argument>(constructor, key);
  const own = all.filter(([, { [ADDED_TO]: addedTo = owner }]) => addedTo === owner);
  if (own.length === all.length) return;
  setRouteArguments(constructor, key, own);
  const passthrough = all.some(([, argument]) => argument[PASSTHROUGH] === true);
  if (passthrough && !Reflect.hasOwnMetadata(PASSTHROUGH, constructor, key)) {
    Reflect.defineMetadata(PASSTHROUGH, true, constructor, key);
  }
}
