import { type as ark } from 'arktype';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { comment, event, raw, retryAfter, type SseEvent } from 'nestjs-event-stream';
import {
  classSchema,
  defineEvents,
  text,
  type,
  type AnyContract,
  type EventOf,
  type EventSchemas,
  type PayloadOf,
  type ReceivedPayloadOf,
  type Yields,
} from 'nestjs-event-stream/events';
import * as v from 'valibot';
import { z } from 'zod';
import type { Equal, Expect } from './assertions.js';

class Progress {
  declare percent: number;
  declare at: Date;
  half(): number {
    return this.percent / 2;
  }
}
interface Tree {
  value: number;
  children: Tree[];
}
enum Color {
  Red,
  Green,
}

// Every library of Standard Schema, classes, types without validation.
export const events = defineEvents({
  zod: z.object({ percent: z.number() }),
  valibot: v.object({ percent: v.number() }),
  arktype: ark({ percent: 'number' }),
  class: classSchema(Progress, { plainToInstance, validateSync }),
  plain: type<{ percent: number; note?: string }>(),
  text: text(),
  short: text(z.string().max(5)),
  coerced: z.coerce.date(),
  defaulted: z.object({ size: z.number().default(1) }),
  choice: z.enum(['a', 'b']),
  nothing: type<null>(),
  any: type<any>(), // oxlint-disable-line typescript/no-explicit-any
  unknown: type<unknown>(),
  tree: type<Tree>(),
  color: type<Color>(),
  'two words': type<number[]>(),
  message: type<{ any: number }>(),
});
type Events = typeof events;

// A creator takes the input of its schema, and returns an event with a name and data of those types.
events.zod({ percent: 1 }) satisfies SseEvent<'zod', { percent: number }>;
events.valibot({ percent: 1 }, { id: 7, retry: 5, comment: 'c' }).data.percent.toFixed();
events.arktype({ percent: 1 }).type satisfies 'arktype';
events.class({ percent: 1, at: new Date() }) satisfies SseEvent;
events.class(new Progress());
events.plain({ percent: 1, note: 'n' });
events.text('any');
events.short('any');
events.defaulted({});
events.choice('a');
events.nothing(null);
events.any(Symbol());
events.unknown(5);
events.color(Color.Red);
events['two words']([1]);
events.message({ any: 1 }) satisfies SseEvent<undefined, { any: number }>;
// @ts-expect-error: Property 'progress' does not exist
events.progress({ percent: 1 });
// @ts-expect-error: Type 'string' is not assignable to type 'number'
events.zod({ percent: '1' });
// @ts-expect-error: 'extra' does not exist
events.plain({ percent: 1, extra: 2 });
// @ts-expect-error: Expected 1-2 arguments, but got 0
events.nothing();
// @ts-expect-error: Argument of type 'undefined' is not assignable
events.plain(undefined);
// @ts-expect-error: not assignable to parameter of type '"a" | "b"'
events.choice('c');
// @ts-expect-error: 'name' does not exist
events.text('a', { name: 'b' });
// @ts-expect-error: Cannot assign to 'text' because it is a read-only property
events.text = events.short;

// Input is published, output is received.
export type Payloads = [
  Expect<Equal<PayloadOf<Events, 'zod'>, { percent: number }>>,
  Expect<Equal<ReceivedPayloadOf<Events, 'coerced'>, Date>>,
  Expect<Equal<PayloadOf<Events, 'defaulted'>, { size?: number | undefined }>>,
  Expect<Equal<ReceivedPayloadOf<Events, 'defaulted'>, { size: number }>>,
  Expect<Equal<ReceivedPayloadOf<Events, 'class'>, Progress>>,
  Expect<Equal<PayloadOf<Events, 'short'>, string>>,
  Expect<Equal<EventOf<Events, 'zod'>, SseEvent<'zod', { percent: number }>>>,
  Expect<
    Equal<EventOf<Events>['type'], Exclude<keyof Events, 'message' | '~contract' | '~read'> | undefined>
  >,
];
// @ts-expect-error: does not satisfy the constraint
export type NoSuchEvent = PayloadOf<Events, 'progress'>;

export function render(each: EventOf<Events, 'zod' | 'choice' | 'message'>): string {
  switch (each.type) {
    case 'zod':
      return each.data.percent.toFixed();
    case 'choice':
      return each.data satisfies 'a' | 'b';
    case undefined:
      return each.data.any.toFixed();
    default:
      return each satisfies never;
  }
}

// All values that a handler may yield.
export const yields: Yields<Events>[] = [
  events.zod({ percent: 1 }),
  event({ type: 'zod', data: { percent: 1 } }),
  event({ event: 'zod', id: 5, data: { percent: 1 } }),
  event({ id: 5 }),
  comment('c'),
  retryAfter(5),
  { type: 'zod', data: { percent: 1 } },
  { event: 'choice', id: 'x', data: 'a' },
  { data: { any: 1 } },
  { type: 'message', data: { any: 1 } },
  { any: 1 },
  undefined,
];
export const notYields: Yields<Events>[] = [
  // @ts-expect-error: not assignable
  events.zod({ percent: 1 }).data,
  // @ts-expect-error: not assignable
  event({ type: 'zod', data: { percent: '1' } }),
  // @ts-expect-error: not assignable
  event({ type: 'progress', data: { percent: 1 } }),
  // @ts-expect-error: not assignable
  raw('data: x\n\n'),
  // @ts-expect-error: 'type' does not exist in type
  { type: 'zod', data: { percent: '1' } },
];

// A value that cannot be a contract is rejected where it is defined, in words.
// @ts-expect-error: A client cannot distinguish this text from JSON. Use text(), or text(schema).
defineEvents({ a: z.string() });
// @ts-expect-error: A client cannot distinguish this text from JSON.
defineEvents({ a: type<string | { b: 1 }>() });
// @ts-expect-error: This text reads as JSON. Use text(schema).
defineEvents({ a: type<'on' | 'null'>() });
// @ts-expect-error: This text reads as JSON.
defineEvents({ a: z.enum(['1', '2']) });
// @ts-expect-error: Clients drop an event without data. Use type<null>().
defineEvents({ a: z.undefined() });
// @ts-expect-error: Clients drop an event without data.
defineEvents({ a: type<void>() });
// @ts-expect-error: JSON changes this type: a Date, a Map, a bigint or a method does not arrive. Declare the type that does.
defineEvents({ a: type<{ at: Date }>() });
// @ts-expect-error: JSON changes this type
defineEvents({ a: type<{ list: { ids: Map<string, number> }[] }>() });
// @ts-expect-error: JSON changes this type
defineEvents({ a: type<bigint>() });
// @ts-expect-error: JSON changes this type
defineEvents({ a: type<Progress>() });
// @ts-expect-error: Type 'number' is not assignable to type 'StandardSchemaV1
defineEvents({ a: 5 });
// @ts-expect-error: not assignable to parameter of type 'StandardSchemaV1
text(z.number());

// Valid code that looks suspicious.
defineEvents({ a: z.literal('[DONE]') });
defineEvents({ a: text(z.enum(['1', '2'])) });
defineEvents({ a: type<{ at: string; meta: Record<string, unknown> }>() });
defineEvents({ a: type<object>(), b: type<never>(), c: type<readonly [1, ...string[]]>() });
export function generic<T extends { id: number }>(schema: z.ZodType<T, T>): AnyContract {
  return defineEvents({ a: schema } as EventSchemas);
}
