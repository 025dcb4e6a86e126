import { SseError, quoted } from '../errors/sse.errors.js';
import { validPayload, type Schemas } from './valid-payload.js';

/**
 * Reads the data of an event that a client has received. The server writes a string as it is and everything else as JSON, so data that
 * is not JSON is a string. Returns the output of the schema. An event of the library has no schema.
 *
 * @throws {SseError} `SSE_INVALID_EVENT` if the schema rejects the data, `SSE_INVALID_CONTRACT` if the schema fails
 */
export function readPayload(contract: Schemas, name: string, data: string): unknown {
  const schema = contract['~contract'][name];
  let payload: unknown = data;
  let isText = false;
  if (!schema || !('~text' in schema)) {
    try {
      payload = JSON.parse(data);
    } catch {
      isText = true;
    }
  }
  if (!schema) return payload;
  try {
    return validPayload(contract, name, payload);
  } catch (cause) {
    if (!isText) throw cause;
    throw new SseError(
      'SSE_INVALID_EVENT',
      `The data of the event ${quoted(name)} is not JSON: ${quoted(data)}.`,
      {
        remedy: 'Correct the server, or use text() in the contract.',
        context: { event: name, data },
        cause,
      },
    );
  }
}
