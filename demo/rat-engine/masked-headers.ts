import type { IncomingHttpHeaders } from 'node:http';

/** Header names that stand for, or contain, something that lets its reader act as the client. */
const CREDENTIAL = /auth|cookie|token|secret|key|password|passwd|credential|session|signature|jwt/i;

/** What is shown in place of a credential. */
export const MASK = '***';

/** The headers of a request as they may be shown: credentials are masked, whatever scheme or encoding they are in. */
export function maskedHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const shown = Object.entries(headers).map(([name, value]) => [name, CREDENTIAL.test(name) ? MASK : value]);
  return Object.fromEntries(shown) as IncomingHttpHeaders;
}
