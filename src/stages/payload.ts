import type { ExecutionContext } from '@nestjs/common';

/**
 * A payload, or a function that makes one from the request each time. The types other than the function are listed one by
 * one, because `unknown` would leave the parameter of the function without a type.
 */
export type PayloadOption =
  ((context: ExecutionContext) => unknown) | object | string | number | boolean | bigint | null | undefined;

/** The value of an option for one request: the result of the function, if the option is one. */
export function valueFor<T>(option: T | ((context: ExecutionContext) => T), context: ExecutionContext): T {
  return typeof option === 'function' ? (option as (context: ExecutionContext) => T)(context) : option;
}
