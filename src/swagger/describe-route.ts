import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AnyContract } from '../events/event-contract.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { documentedEvents, type DocumentedEvent } from './api-event.decorator.js';
import type { DescribedEvent } from './item-schema.js';
import {
  capitalized,
  shareDefinitions,
  toJsonSchema,
  type JsonSchema,
  type OpenApiVersion,
  type SharedSchemas,
} from './json-schema.js';

/** How the schemas of a document are made. */
export interface SchemaSettings {
  readonly version: OpenApiVersion;
  /** `#/components/schemas` of the document. Definitions of event schemas are added to it. */
  readonly shared: SharedSchemas;
  /** Converts a schema of a contract, before the converter of its library is asked. */
  readonly convert:
    ((schema: StandardSchemaV1, version: OpenApiVersion) => JsonSchema | undefined) | undefined;
  /** Called with an event whose schema cannot be expressed as JSON Schema, and with the name of its library. */
  unknown(event: string, vendor: string): void;
}

/** The body of an error event without `errors.map`. */
const ERROR_BODY: JsonSchema = {
  type: 'object',
  required: ['statusCode', 'error', 'message'],
  properties: {
    statusCode: { type: 'integer' },
    error: { type: 'string' },
    message: {},
  },
};

/** All events that a route can send: those of its contract or of `@ApiEvent()`, and those that its options add. */
export function eventsOfRoute(
  handler: object,
  contract: AnyContract | undefined,
  options: ResolvedOptions,
  settings: SchemaSettings,
): DescribedEvent[] {
  const documented = documentedEvents(handler);
  const events = new Map<string, DescribedEvent>();
  for (const [name, schema] of Object.entries(contract?.['~contract'] ?? {})) {
    events.set(name, ofContract(name, schema, settings));
  }
  for (const event of documented) events.set(event.name, merged(event, events.get(event.name)));
  const described = events.size > 0 ? [...events.values()] : [ANY_EVENT];
  for (const event of ofOptions(options)) if (!events.has(event.name)) described.push(event);
  return described;
}

/** The event of a route that documents none. */
const ANY_EVENT: DescribedEvent = { name: undefined, data: {}, text: true };

function ofContract(name: string, schema: StandardSchemaV1, settings: SchemaSettings): DescribedEvent {
  const { version, shared, convert } = settings;
  const text = '~text' in schema;
  const own = convert?.(schema, version) ?? ofClass(schema) ?? toJsonSchema(schema, version);
  if (!own && !isUnchecked(schema)) settings.unknown(name, schema['~standard'].vendor);
  const data = shareDefinitions(own ?? {}, `${capitalized(name)}Event`, shared);
  const { description } = data;
  return { name, data, text, ...(typeof description === 'string' && { description }) };
}

/** True for `type()` and `text()`, which say nothing about the data beyond their type. */
function isUnchecked(schema: StandardSchemaV1): boolean {
  return schema['~standard'].vendor === 'nestjs-event-stream';
}

/** The class of a schema that `classSchema()` has made is a model of the document. */
function ofClass(schema: StandardSchemaV1): JsonSchema | undefined {
  const model = modelOf(schema);
  return model && { $ref: `#/components/schemas/${model.name}` };
}

/** The class behind a schema that `classSchema()` has made. */
export function modelOf(schema: StandardSchemaV1): { readonly name: string } | undefined {
  return (schema as { '~class'?: { readonly name: string } })['~class'];
}

function merged(event: DocumentedEvent, known: DescribedEvent | undefined): DescribedEvent {
  const { name, type, schema, isArray = false, text, description } = event;
  const one = type ? { $ref: `#/components/schemas/${type.name}` } : schema;
  const data = one && isArray ? { type: 'array', items: one } : one;
  return {
    name,
    data: data ?? known?.data ?? {},
    text: text ?? known?.text ?? false,
    description: description ?? known?.description,
  };
}

/** The events that the library sends for the options of a route. */
function* ofOptions(options: ResolvedOptions): Generator<DescribedEvent & { name: string }> {
  const { complete, timeout, heartbeat, overflow, errors } = options;
  const sent = (name: string | undefined, data: JsonSchema, description: string) => ({
    name: name ?? 'message',
    data,
    text: false,
    description,
  });
  if (typeof complete === 'object') yield sent(complete.event, {}, 'The last event of a complete stream.');
  if (timeout) yield sent(timeout.event, {}, 'The last event of a stream that took too long.');
  if (heartbeat && heartbeat.event !== undefined) {
    yield sent(heartbeat.event, {}, 'Sent when the stream was idle.');
  }
  if (overflow.report) {
    const dropped = { type: 'object', properties: { dropped: { type: 'integer' } } };
    yield sent(
      overflow.report.event ?? 'overflow',
      dropped,
      'The number of events that the client has missed.',
    );
  }
  yield sent(errors.event, errors.map ? {} : ERROR_BODY, 'The last event of a stream that failed.');
}
