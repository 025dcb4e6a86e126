import type { AnyContract } from '../events/event-contract.js';
import type { MethodProblem } from '../source/result-problem.js';

/**
 * The decorator of an `@Sse()` route. For a method that cannot be one, its result is the problem, which is not what TypeScript
 * expects of a decorator. So the message of the problem is in the error of the compiler.
 *
 * Two signatures, because the check must not hide that it is a `MethodDecorator`, as `applyDecorators()` asks for one.
 */
export interface SseDecorator<Contract extends AnyContract> {
  <Method>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method> &
      ([MethodProblem<Method, Contract>] extends [never] ? never : unknown),
  ): MethodProblem<Method, Contract>;
  <Method>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<Method>): void;
}
