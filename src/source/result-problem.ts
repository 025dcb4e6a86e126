// The types with which the compiler checks the result of a method or of a run's source. Nothing here exists at run time.
import type { Observable } from 'rxjs';
import type { AnyContract, EventName, PayloadOf } from '../events/event-contract.js';
import type { GapEvent, StoppedEvent } from '../events/library-events.js';
import type { IsAny, Mismatch, Problem } from '../events/problem.js';

/** Why a method cannot be an `@Sse()` route with this contract; `never` if it can. */
export type MethodProblem<Method, Contract extends AnyContract> = Method extends (
  ...args: infer Args
) => infer Result
  ? ResultProblem<Awaited<Result>, Args[number]> | ContractProblem<Awaited<Result>, Contract>
  : never;

/** Why the result of a run's source breaks the contract of the run; `never` if it does not. */
export type SourceProblem<Result, Contract extends AnyContract> = [Contract] extends [never]
  ? never
  : StreamProblem<Awaited<Result>> | ContractProblem<Awaited<Result>, Contract>;

/**
 * Why a result is not a stream. One of type `unknown` passes: it is what the compiler knows of a function with parameters
 * before it looks into it.
 */
type StreamProblem<Result> = unknown extends Result
  ? never
  : Result extends string
    ? Problem<'A string cannot be streamed. Return [string].'>
    : Result extends
          | Iterable<unknown>
          | AsyncIterable<unknown>
          | Observable<unknown>
          | ReadableStreamOf<unknown>
          | WebResponse
      ? never
      : Problem<'The source of a run returns a stream: a generator, an iterable, a Node or web stream, or an Observable.'>;

/** A web `Response`. By its shape, as there are several implementations. */
interface WebResponse {
  readonly status: number;
  readonly headers: object;
  readonly body: object | null;
}

/** Why a result can be neither streamed nor answered. Distributes over the members of a union. */
type ResultProblem<Result, Arg> =
  IsAny<Result> extends true
    ? never
    : Result extends undefined | null
      ? never
      : Result extends void
        ? Answers<Arg> extends true
          ? never
          : Problem<'The method returns nothing. Add a return. Declare the result as undefined for an empty answer, or as never if it always throws.'>
        : Result extends string
          ? Problem<'A string cannot be streamed. Yield it, or return it in an object.'>
          : Result extends bigint | symbol
            ? Problem<'JSON cannot express this answer.'>
            : Result extends (...args: never[]) => unknown
              ? Problem<'A function cannot be streamed. Call it, and return what it returns.'>
              : Result extends { readonly '~event': true }
                ? Problem<'An event that is returned is not sent. Yield it, or return [event].'>
                : Result extends Iterable<unknown> | AsyncIterable<unknown> | Observable<unknown>
                  ? never
                  : Result extends { subscribe(...args: never[]): unknown }
                    ? Problem<'Subscribe to the channel, and return the subscription.'>
                    : Result extends { next(...args: never[]): unknown }
                      ? Problem<'An iterator cannot be iterated. Return its generator, or an iterable.'>
                      : never;

/** Whether a parameter lets the method answer by itself: a response of Express or Fastify, or `next()`. */
type Answers<Arg> =
  IsAny<Arg> extends true
    ? true
    : true extends (
          Arg extends
            | { send(...args: never[]): unknown }
            | { end(...args: never[]): unknown }
            | ((...args: never[]) => unknown)
            ? true
            : never
        )
      ? true
      : false;

/** Why the values of a stream break the contract. An ordinary answer is not part of it. */
type ContractProblem<Result, Contract extends AnyContract> = [Contract] extends [never]
  ? never
  : string extends EventName<Contract>
    ? never
    : ValueProblem<ValueOf<Result>, Contract>;

/** The values of a result, as the stream takes them; `never` for an ordinary answer. */
type ValueOf<Result> =
  IsAny<Result> extends true
    ? never
    : Result extends string | ArrayBufferView
      ? never
      : Result extends ReadableStreamOf<infer Value>
        ? Value extends ArrayBufferView
          ? string
          : Value
        : Result extends AsyncIterable<infer Value> | Iterable<infer Value> | Observable<infer Value>
          ? Awaited<Value>
          : never;

/** A web stream. By its shape, as its type is not in every `lib`. */
interface ReadableStreamOf<Value> {
  getReader(): { read(): Promise<{ done: boolean; value?: Value | undefined }> };
}

type ValueProblem<Value, Contract extends AnyContract> =
  IsAny<Value> extends true
    ? never
    : unknown extends Value
      ? Problem<'A value of type unknown cannot be checked. Make the event with a creator of the contract.'>
      : Value extends undefined | void | GapEvent | StoppedEvent
        ? never
        : Value extends { readonly '~event': true; readonly type: infer Type; readonly data: infer Data }
          ? EventProblem<Type, Data, Contract>
          : IsMessageEvent<Value> extends true
            ? EventProblem<NameIn<Value>, Value extends { data: infer Data } ? Data : undefined, Contract>
            : MessageProblem<Value, Contract>;

/** Whether a plain object is read as an event: it has no other keys, and one of those that an event can consist of. */
type IsMessageEvent<Value> = Value extends MessageEventLike
  ? PresentKeys<Value> extends keyof MessageEventLike
    ? [PresentKeys<Value> & ('data' | 'comment' | 'retry')] extends [never]
      ? false
      : true
    : false
  : false;

interface MessageEventLike {
  readonly type?: unknown;
  readonly event?: unknown;
  readonly id?: unknown;
  readonly retry?: unknown;
  readonly comment?: unknown;
  readonly data?: unknown;
}

/**
 * The keys of a value, without those that are only `undefined`: where a generator yields several literals, TypeScript gives each
 * the keys of the others.
 */
type PresentKeys<Value> = { [K in keyof Value]-?: Value[K] extends undefined ? never : K }[keyof Value];

type NameIn<Value> = Value extends { type: infer Name }
  ? Name
  : Value extends { event: infer Name }
    ? Name
    : undefined;

type EventProblem<Type, Data, Contract extends AnyContract> = string extends Type
  ? Problem<'The name of this event can be any string. Make it with a creator of the contract.'>
  : Type extends undefined
    ? Data extends undefined
      ? never
      : DataProblem<'message', Data, Contract>
    : Type extends string
      ? DataProblem<Type, Data, Contract>
      : Problem<'The name of this event is not a string.'>;

type DataProblem<Name extends string, Data, Contract extends AnyContract> =
  Name extends EventName<Contract>
    ? IsAny<Data> extends true
      ? never
      : [Data] extends [PayloadOf<Contract, Name>]
        ? never
        : Mismatch<`The data of '${Name}' breaks the contract.`, Data, PayloadOf<Contract, Name>>
    : Problem<`The contract has no event '${Name}'.`>;

type MessageProblem<Value, Contract extends AnyContract> =
  'message' extends EventName<Contract>
    ? Value extends PayloadOf<Contract, 'message'>
      ? never
      : Mismatch<
          "A value without a name is the data of 'message', and breaks the contract.",
          Value,
          PayloadOf<Contract, 'message'>
        >
    : Problem<"The contract has no event 'message', which a value without a name becomes. Make the event with a creator.">;
