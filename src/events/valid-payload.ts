import type { StandardSchemaV1 } from '@standard-schema/spec';
import { watchRejection } from '../errors/guard.js';
import { SseError, quoted } from '../errors/sse.errors.js';

/** The schemas of a contract, by the name of their event. */
export interface Schemas {
  readonly '~contract': Readonly<Record<string, StandardSchemaV1>>;
}

/** One mistake in the data of an event, in `context.issues` of the error. */
export interface PayloadIssue {
  /** The path of the mistake, such as `data.items[0].name`. */
  readonly path: string;
  /** The message of the schema. */
  readonly message: string;
}

/**
 * Validates the data of an event. Returns the output of its schema.
 *
 * @throws {SseError} `SSE_INVALID_EVENT` for a name that the contract does not have, and for data that breaks its schema;
 * `SSE_INVALID_CONTRACT` for a schema that throws, or that answers with a promise.
 */
export function validPayload({ '~contract': schemas }: Schemas, name: string, data: unknown): unknown {
  const schema = schemas[name];
  if (schema === undefined) throw unknownEvent(name, Object.keys(schemas));
  let result: StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>;
  try {
    result = schema['~standard'].validate(data);
  } catch (cause) {
    throw schemaFailed(name, cause);
  }
  if (typeof result !== 'object' || result === null) throw schemaFailed(name, undefined);
  if ('then' in result) {
    watchRejection(result, ignore);
    throw asynchronous(name);
  }
  if (result.issues) throw invalidData(name, result.issues);
  return result.value;
}

const SHOWN_ISSUES = 3;
const MESSAGE_LENGTH = 200;

function invalidData(name: string, given: readonly StandardSchemaV1.Issue[]): SseError {
  const issues: PayloadIssue[] = given.map(({ path, message }) => ({
    path: pathText(path),
    message,
  }));
  const shown = issues.slice(0, SHOWN_ISSUES).map(({ path, message }) => `${path}: ${oneLine(message)}`);
  const more = issues.length > SHOWN_ISSUES ? ` (and ${issues.length - SHOWN_ISSUES} more)` : '';
  return new SseError(
    'SSE_INVALID_EVENT',
    `The data of the event ${quoted(name)} breaks its contract. ${shown.join('; ')}${more}.`,
    { remedy: 'Correct the data, or the schema.', context: { event: name, issues } },
  );
}

function pathText(path: StandardSchemaV1.Issue['path'] = []): string {
  let text = 'data';
  for (const segment of path) {
    const key = typeof segment === 'object' ? segment.key : segment;
    if (typeof key === 'string' && /^[A-Za-z_$][\w$]*$/.test(key)) text += `.${key}`;
    else text += `[${typeof key === 'string' ? JSON.stringify(key) : String(key)}]`;
  }
  return text;
}

/** Shortens a message of a schema library, which can contain line breaks and the value. */
function oneLine(message: string): string {
  const line = message.replace(/\s+/g, ' ').replace(/\.$/, '');
  return line.length > MESSAGE_LENGTH ? `${line.slice(0, MESSAGE_LENGTH)}…` : line;
}

function unknownEvent(name: string, names: readonly string[]): SseError {
  return new SseError('SSE_INVALID_EVENT', `The contract has no event ${quoted(name)}.`, {
    remedy: `Use one of ${names.map((known) => quoted(known)).join(', ')}, or add the event to the contract.`,
    context: { event: name },
  });
}

function schemaFailed(name: string, cause: unknown): SseError {
  const what = cause === undefined ? 'did not return a result' : 'threw an error';
  return new SseError('SSE_INVALID_CONTRACT', `The schema of the event ${quoted(name)} ${what}.`, {
    remedy: 'A schema must report invalid data as issues. See the cause of this error.',
    context: { event: name },
    cause,
  });
}

function asynchronous(name: string): SseError {
  return new SseError(
    'SSE_INVALID_CONTRACT',
    `The schema of the event ${quoted(name)} answered with a promise.`,
    {
      remedy: 'Events are validated synchronously. Remove checks that are asynchronous.',
      context: { event: name },
    },
  );
}

function ignore(): void {
  // The error reports the asynchronous schema, so the result of the schema is ignored.
}
