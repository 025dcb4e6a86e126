import { SseError, quoted } from '../errors/sse.errors.js';
import type { ResolvedConnectOptions } from './resolve-options.js';

/**
 * Returns the headers of one attempt: those of the user, and `Accept` and `Last-Event-ID` of the standard.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` if a header cannot be sent, `SSE_INVALID_FIELD` if the id cannot.
 */
export async function requestHeaders(
  options: Pick<ResolvedConnectOptions, 'headers' | 'json'>,
  lastEventId: string,
): Promise<Headers> {
  const given = typeof options.headers === 'function' ? await options.headers() : options.headers;
  const headers = checkedHeaders(given);
  if (!headers.has('Accept')) headers.set('Accept', 'text/event-stream');
  if (options.json && !headers.has('Content-Type')) headers.set('Content-Type', 'application/json');
  if (lastEventId !== '') headers.set('Last-Event-ID', headerValue(lastEventId));
  return headers;
}

function checkedHeaders(given: RequestInit['headers']): Headers {
  try {
    return new Headers(given);
  } catch (cause) {
    throw new SseError('SSE_INVALID_OPTIONS', 'connect(): A header in "headers" cannot be sent.', {
      remedy: 'Remove line breaks, and characters beyond Latin-1.',
      context: { option: 'headers' },
      cause,
    });
  }
}

// A header value is bytes, which the Headers class takes as Latin-1 characters. The standard sends the id in UTF-8 (WHATWG HTML,
// 9.2.3). Some implementations of fetch reject control characters as if the network had failed.
function headerValue(id: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(id)) {
    throw new SseError('SSE_INVALID_FIELD', `The last event ID ${quoted(id)} cannot be sent in a header.`, {
      remedy: 'The server must use printable ASCII.',
      context: { field: 'id', value: id },
    });
  }
  return Array.from(new TextEncoder().encode(id), (byte) => String.fromCharCode(byte)).join('');
}
