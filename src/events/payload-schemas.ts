import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { IsAny, Mismatch, Problem } from './problem.js';

/** A payload that is text on the wire, and not JSON. Made by {@link text}. */
export interface TextSchema<Input extends string = string, Output = Input> extends StandardSchemaV1<
  Input,
  Output
> {
  readonly '~text': true;
}

/**
 * Declares a payload of this type without validation, for contracts without a schema library.
 *
 * `T` is the type after JSON. Declare a `Date` as `string`, for example.
 *
 * @example
 * const jobEvents = defineEvents({ progress: type<{ percent: number }>() });
 */
export function type<T>(): [T] extends [Json<T>]
  ? StandardSchemaV1<T, T>
  : Mismatch<
      'JSON changes this type: a Date, a Map, a bigint or a method does not arrive. Declare the type that does.',
      T,
      Json<T>
    > {
  return UNCHECKED as never;
}

/**
 * Declares a payload of text, which is written unchanged. Without `text()`, a client would read text such as `5` as a number.
 *
 * @param schema Validates the text, and can transform it for the client. @default any text
 * @example
 * const answerEvents = defineEvents({ token: text(), line: text(z.string().max(1000)) });
 */
export function text(): TextSchema;
export function text<Input extends string, Output>(
  schema: StandardSchemaV1<Input, Output>,
): TextSchema<Input, Output>;
export function text(schema: StandardSchemaV1 = ANY_TEXT): StandardSchemaV1 {
  return Object.freeze({ '~standard': schema['~standard'], '~text': true });
}

const VENDOR = 'nestjs-event-stream';

const UNCHECKED: StandardSchemaV1 = Object.freeze({
  '~standard': Object.freeze({ version: 1, vendor: VENDOR, validate: (value: unknown) => ({ value }) }),
} as const);

const ANY_TEXT: StandardSchemaV1 = Object.freeze({
  '~standard': Object.freeze({
    version: 1,
    vendor: VENDOR,
    validate: (value: unknown) =>
      typeof value === 'string'
        ? { value }
        : { issues: [{ message: `expected text, received ${typeof value}` }] },
  }),
} as const);

/** A type after JSON. A part that JSON changes becomes a problem, to which nothing can be assigned. */
type Json<T> =
  IsAny<T> extends true
    ? T
    : unknown extends T
      ? T
      : T extends string | number | boolean | null | undefined
        ? T
        : T extends bigint | symbol | ((...args: never[]) => unknown)
          ? Problem<'JSON cannot express this.'>
          : T extends { toJSON(...args: never[]): unknown }
            ? Problem<'JSON writes what toJSON() returns.'>
            : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | ArrayBuffer | ArrayBufferView
              ? Problem<'JSON writes an empty object.'>
              : { [K in keyof T]: Json<T[K]> };

/** Text that is JSON, as far as its type shows. */
type JsonText = `${number}` | `${boolean}` | 'null' | `"${string}"`;

/** Why a schema cannot be that of an event; `never` if it can. */
export type SchemaProblem<Schema> =
  Schema extends TextSchema<string, unknown>
    ? never
    : Schema extends StandardSchemaV1<infer Input>
      ? IsAny<Input> extends true
        ? never
        : unknown extends Input
          ? never
          : PayloadProblem<Input>
      : never;

type PayloadProblem<Input> = [Exclude<Input, undefined | void>] extends [never]
  ? [Input] extends [never]
    ? never
    : Problem<'Clients drop an event without data. Use type<null>().'>
  : Input extends string
    ? string extends Input
      ? Problem<'A client cannot distinguish this text from JSON. Use text(), or text(schema).'>
      : Input extends JsonText
        ? Problem<'This text reads as JSON. Use text(schema).'>
        : never
    : never;
