import { BadRequestException } from '@nestjs/common';
import { rawRequest } from '../connection/response.js';
import type { RequestOptions } from '../options/request.options.js';

const PRINTABLE = /^[ -~]*$/;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * The ID of the last event that the client has: from the header, or on a first connect from the query parameter, if the route
 * reads it.
 *
 * @throws {BadRequestException} if it is too long or contains control characters
 */
export function readLastEventId(request: object, options: Required<RequestOptions>): string | undefined {
  const header = rawRequest(request).headers['last-event-id'];
  const id =
    typeof header === 'string' && header !== '' ? decodeLastEventId(header) : fromQuery(request, options);
  if (id === undefined) return undefined;
  const problem = lastEventIdProblem(id, options.maxLastEventIdBytes);
  if (problem) throw new BadRequestException(`The Last-Event-ID cannot be read: ${problem}.`);
  return id;
}

function fromQuery(request: object, { lastEventIdQuery }: Required<RequestOptions>): string | undefined {
  if (!lastEventIdQuery) return undefined;
  const value = (request as { query?: Record<string, unknown> }).query?.['lastEventId'];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * Decodes a `Last-Event-ID`. Browsers send UTF-8, which Node reads as Latin-1 (WHATWG HTML, 9.2.3). Bytes that are not valid
 * UTF-8 are read as Latin-1.
 */
export function decodeLastEventId(header: string): string {
  if (PRINTABLE.test(header)) return header;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(header, 'latin1'));
  } catch {
    return header;
  }
}

/** The reason why an ID from a client is not valid; `undefined` if it is. */
export function lastEventIdProblem(id: string, maxBytes: number): string | undefined {
  const bytes = Buffer.byteLength(id);
  if (bytes > maxBytes) return `it has ${bytes} bytes, and the limit is ${maxBytes}`;
  if (CONTROL.test(id)) return 'it contains control characters';
  return undefined;
}

/**
 * True for an `EventSource`, which reconnects by itself when its stream ends. It sends `Cache-Control: no-cache` with its GET
 * (WHATWG HTML, 9.2.2: cache mode "no-store").
 */
export function reconnectsByItself(method: string | undefined, cacheControl: string | undefined): boolean {
  return (
    method === 'GET' && cacheControl !== undefined && /(?:^|[\s,])no-cache(?:[\s,]|$)/i.test(cacheControl)
  );
}
