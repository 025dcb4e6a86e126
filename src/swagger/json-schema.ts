import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';

/** A JSON Schema, in the dialect of the document. */
export type JsonSchema = Record<string, unknown>;

/** The version of the specification that a document follows. Each has its own dialect of JSON Schema. */
export type OpenApiVersion = '3.0' | '3.1' | '3.2';

/** The schemas that a document shares under `#/components/schemas`. */
export type SharedSchemas = Record<string, JsonSchema>;

/**
 * Converts a schema to JSON Schema with the converter of its library (Standard JSON Schema). Returns `undefined` if the library
 * has none, or if it cannot express the schema.
 */
export function toJsonSchema(schema: StandardSchemaV1, version: OpenApiVersion): JsonSchema | undefined {
  const { jsonSchema } = schema['~standard'] as Partial<StandardJSONSchemaV1['~standard']>;
  if (!jsonSchema) return undefined;
  try {
    const target = version === '3.0' ? 'openapi-3.0' : 'draft-2020-12';
    const { $schema: _dialect, ...converted } = jsonSchema.input({ target });
    return converted;
  } catch {
    return undefined;
  }
}

/**
 * Moves the definitions of a schema into the components of the document. A reference such as `#/$defs/Address` is relative to
 * the document, so it would find nothing when the schema becomes a part of it. `name` begins the names of the components.
 */
export function shareDefinitions(schema: JsonSchema, name: string, shared: SharedSchemas): JsonSchema {
  const { $defs, definitions, ...root } = schema;
  const local = { ...(definitions as SharedSchemas | undefined), ...($defs as SharedSchemas | undefined) };
  const names = new Map<string, string>();
  for (const key of Object.keys(local)) {
    const free = freeName(`${name}${capitalized(key)}`, shared);
    names.set(`#/$defs/${key}`, free).set(`#/definitions/${key}`, free);
    shared[free] = {};
  }
  const recursive = JSON.stringify(schema).includes('"$ref":"#"');
  if (recursive) {
    const free = freeName(name, shared);
    names.set('#', free);
    shared[free] = {};
  }
  const rewritten = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(rewritten);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(
      Object.entries(part).map(([key, value]) => {
        const target = key === '$ref' ? names.get(String(value)) : undefined;
        return [key, target === undefined ? rewritten(value) : `#/components/schemas/${target}`];
      }),
    );
  };
  for (const [key, definition] of Object.entries(local)) {
    shared[names.get(`#/$defs/${key}`) as string] = rewritten(definition) as JsonSchema;
  }
  const result = rewritten(root) as JsonSchema;
  if (!recursive) return result;
  const own = names.get('#') as string;
  shared[own] = result;
  return { $ref: `#/components/schemas/${own}` };
}

function freeName(wanted: string, shared: SharedSchemas): string {
  let name = wanted;
  for (let n = 2; Object.hasOwn(shared, name); n++) name = `${wanted}${n}`;
  return name;
}

/** A part of the name of a component, which allows only these characters (OpenAPI 3.2, "Components Object"). */
export function capitalized(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
