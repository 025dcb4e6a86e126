import type { IncomingHttpHeaders } from 'node:http';

/** Names of headers that contain credentials of the client. */
const CREDENTIAL = /auth|cookie|token|secret|key|password|passwd|credential|session|signature|jwt/i;

/** The text that replaces a credential. */
export const MASK = '***';

/** The headers of a request without their credentials, in any scheme or encoding. */
export function maskedHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const shown = Object.entries(headers).map(([name, value]) => [name, CREDENTIAL.test(name) ? MASK : value]);
  return Object.fromEntries(shown) as IncomingHttpHeaders;
}
