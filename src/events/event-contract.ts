import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SseError, quoted } from '../errors/sse.errors.js';
import type { GapEvent, StoppedEvent } from './library-events.js';
import { readPayload } from './read-payload.js';
import type { SchemaProblem } from './payload-schemas.js';
import { event, SseEvent, type EventInit } from './sse-event.js';

/** The schemas of a contract, by the name of their event. `message` is the event without a name. */
export interface EventSchemas {
  readonly [name: string]: StandardSchemaV1;
}

/** The fields of an event besides its name and its data. */
export type EventFields = Pick<EventInit, 'id' | 'retry' | 'comment'>;

/**
 * Makes one event of a contract.
 *
 * @throws {SseError} `SSE_INVALID_FIELD` for a field that the format cannot carry, or data of `undefined`.
 */
export type EventCreator<Name extends string, Data> = (
  data: Exclude<Data, undefined>,
  fields?: EventFields,
) => SseEvent<TypeNamed<Name>, Exclude<Data, undefined>>;

/** The events that a stream can have: a function for each name that makes one. Made by {@link defineEvents}. */
export type EventContract<Schemas extends EventSchemas> = {
  readonly [Name in keyof Schemas & string]: EventCreator<Name, StandardSchemaV1.InferInput<Schemas[Name]>>;
} & {
  /** The schemas, by the name of their event. */
  readonly '~contract': Schemas;
  /** Reads the data of an event that a client has received. @throws {SseError} `SSE_INVALID_EVENT`, `SSE_INVALID_CONTRACT` */
  readonly '~read': (name: string, data: string) => unknown;
};

/** Any contract. */
export interface AnyContract {
  readonly '~contract': EventSchemas;
  readonly '~read': (name: string, data: string) => unknown;
}

/** The `type` of an event: `undefined` for `message`. */
export type TypeNamed<Name extends string> = Name extends 'message' ? undefined : Name;

/** The names of the events of a contract. */
export type EventName<Contract extends AnyContract> = keyof Contract['~contract'] & string;

/** The data of an event on the wire and in a handler: the input of its schema. */
export type PayloadOf<Contract extends AnyContract, Name extends EventName<Contract>> = Exclude<
  StandardSchemaV1.InferInput<Contract['~contract'][Name]>,
  undefined
>;

/** The data of an event as a client receives it: the output of its schema. */
export type ReceivedPayloadOf<
  Contract extends AnyContract,
  Name extends EventName<Contract>,
> = StandardSchemaV1.InferOutput<Contract['~contract'][Name]>;

/**
 * An event of a contract: the event with one name, or the union of all events, discriminated by `type`.
 *
 * @example
 * function render(event: EventOf<typeof importEvents>) { if (event.type === 'progress') bar.value = event.data.percent; }
 */
export type EventOf<Contract extends AnyContract, Name extends EventName<Contract> = EventName<Contract>> = {
  [N in Name]: SseEvent<TypeNamed<N>, PayloadOf<Contract, N>>;
}[Name];

/**
 * The values that a handler of this contract may yield: its events, made by a creator or written as a MessageEvent; the
 * data of `message` alone; values without data (`comment()`, `retryAfter()`, `undefined`); and the events of the library.
 */
export type Yields<Contract extends AnyContract> =
  | EventOf<Contract>
  | GapEvent
  | StoppedEvent
  | SseEvent<undefined, undefined>
  | { [N in EventName<Contract>]: MessageEventOf<N, PayloadOf<Contract, N>> }[EventName<Contract>]
  | ('message' extends EventName<Contract> ? PayloadOf<Contract, 'message'> : never)
  | undefined;

/** An event as Nest writes it: a plain object with the fields of a MessageEvent. */
type MessageEventOf<Name extends string, Data> = EventFields & { readonly data: Data } & (
    | (Name extends 'message' ? { readonly type?: 'message' | undefined } : { readonly type: Name })
    | (Name extends 'message' ? { readonly event?: 'message' | undefined } : { readonly event: Name })
  );

type Checked<Schemas> = {
  readonly [Name in keyof Schemas]: [SchemaProblem<Schemas[Name]>] extends [never]
    ? unknown
    : SchemaProblem<Schemas[Name]>;
};

/**
 * Defines the events of a stream once, for the handler, the publisher, the client and the test. A schema is one of any
 * library that implements Standard Schema (https://standardschema.dev), or made by `type()`, `text()` or `classSchema()`.
 *
 * The input of a schema is what a handler yields and the wire carries. Its output is what a client receives.
 *
 * @throws {SseError} `SSE_INVALID_CONTRACT` for no events, a name that an event cannot have, or a value that is not a schema.
 * @example
 * export const importEvents = defineEvents({
 *   progress: z.object({ percent: z.number() }),
 *   done: type<{ url: string }>(),
 * });
 * yield importEvents.progress({ percent: 10 }, { id: 7 });
 */
export function defineEvents<Schemas extends EventSchemas>(
  schemas: Schemas & Checked<Schemas>,
): EventContract<Schemas> {
  if (typeof schemas !== 'object' || schemas === null || Array.isArray(schemas)) {
    throw invalid(`The contract is ${quoted(schemas)}.`, 'Pass an object: defineEvents({ name: schema }).');
  }
  const names = Object.keys(schemas);
  if (names.length === 0) {
    throw invalid('The contract has no events.', 'Name at least one: defineEvents({ name: schema }).');
  }
  // Without a prototype, every name is free.
  const contract = Object.create(null) as Record<string, unknown>;
  const kept = Object.create(null) as Record<string, StandardSchemaV1>;
  for (const name of names) {
    checkName(name);
    const schema: unknown = schemas[name];
    if (!isStandardSchema(schema)) throw notASchema(name, schema);
    kept[name] = schema;
    contract[name] = creator(name);
  }
  const schemasOf = { '~contract': Object.freeze(kept) };
  Object.defineProperties(contract, {
    '~contract': { value: schemasOf['~contract'] },
    '~read': { value: (name: string, data: string) => readPayload(schemasOf, name, data) },
  });
  return Object.freeze(contract) as unknown as EventContract<Schemas>;
}

/** Returns whether a value is a contract of this copy of the package or another one. */
export function isContract(value: unknown): value is AnyContract {
  return typeof value === 'object' && value !== null && '~contract' in value;
}

function creator(name: string): EventCreator<string, unknown> {
  const type = name === 'message' ? undefined : name;
  return ((data: unknown, fields?: EventFields) => {
    // The name was checked when the contract was defined, so it is not checked again for each event.
    if (fields === undefined && data !== undefined) {
      return Object.freeze(new SseEvent(type, undefined, undefined, undefined, data));
    }
    return event({ ...fields, type: data === undefined ? name : type, data });
  }) as EventCreator<string, unknown>;
}

function checkName(name: string): void {
  if (name === '' || /[\r\n]/.test(name)) {
    throw invalid(
      `An event cannot be named ${quoted(name)}.`,
      'Use a name on one line. An event without a name is "message" in a contract.',
    );
  }
  if (name.startsWith('~')) {
    throw invalid(
      `An event cannot be named ${quoted(name)}.`,
      'Names that begin with a tilde belong to the library.',
    );
  }
  if (name === 'then') {
    throw invalid(
      'An event cannot be named "then".',
      'A contract with a function of that name would be taken for a promise.',
    );
  }
}

function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  // Schemas of ArkType are functions.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as { '~standard'?: { version?: unknown; validate?: unknown } })['~standard'];
  return standard?.version === 1 && typeof standard.validate === 'function';
}

function notASchema(name: string, given: unknown): SseError {
  return invalid(
    `The schema of the event ${quoted(name)} is ${quoted(given)}.`,
    'Use a schema of a library that implements Standard Schema, such as zod, or type<T>(), text() or classSchema().',
  );
}

function invalid(what: string, remedy: string): SseError {
  return new SseError('SSE_INVALID_CONTRACT', what, { remedy });
}
