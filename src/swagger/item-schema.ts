import type { JsonSchema, OpenApiVersion } from './json-schema.js';

/** One kind of event that a stream can have. */
export interface DescribedEvent {
  /** Its name; `message` for events without one; `undefined` for any name. */
  readonly name: string | undefined;
  /** The schema of its data: of the JSON value, or of the text. */
  readonly data: JsonSchema;
  /** True for data that is text and not JSON. */
  readonly text: boolean;
  readonly description?: string | undefined;
}

/**
 * The media type object of a stream. In OpenAPI 3.2 `itemSchema` describes one event after it was parsed ("Special Considerations
 * for Server-Sent Events"). Older versions describe the whole stream as an array of events in `schema`.
 */
export function streamContent(events: readonly DescribedEvent[], version: OpenApiVersion): JsonSchema {
  const items = events.map((event) => itemSchema(event, version));
  const [only] = items;
  const item = items.length === 1 && only ? only : { oneOf: items };
  return version === '3.2' ? { itemSchema: item } : { schema: { type: 'array', items: item } };
}

function itemSchema({ name, data, text, description }: DescribedEvent, version: OpenApiVersion): JsonSchema {
  const named = name !== undefined && name !== 'message';
  return {
    ...(name !== undefined && { title: name }),
    ...(description !== undefined && { description }),
    type: 'object',
    required: named ? ['event', 'data'] : ['data'],
    properties: {
      event: name === undefined ? { type: 'string' } : constant(name, version),
      data: text ? textSchema(data) : jsonText(data, version),
      id: { type: 'string', description: 'A client that reconnects sends it as Last-Event-ID.' },
      retry: { type: 'integer', minimum: 0, description: 'Milliseconds to wait before a reconnect.' },
    },
  };
}

/** OpenAPI 3.0 has no `const`. */
function constant(value: string, version: OpenApiVersion): JsonSchema {
  return version === '3.0' ? { type: 'string', enum: [value] } : { type: 'string', const: value };
}

function textSchema(schema: JsonSchema): JsonSchema {
  return Object.keys(schema).length === 0 ? { type: 'string' } : schema;
}

/** The field `data` is always text. OpenAPI 3.0 has no keyword for its content, so extensions carry the same information. */
function jsonText(schema: JsonSchema, version: OpenApiVersion): JsonSchema {
  return version === '3.0'
    ? { type: 'string', 'x-contentMediaType': 'application/json', 'x-contentSchema': schema }
    : { type: 'string', contentMediaType: 'application/json', contentSchema: schema };
}
