const PRINTABLE = /^[ -~]*$/;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * `Last-Event-ID` as the client meant it: browsers send UTF-8, which Node reads as Latin-1 (WHATWG HTML, 9.2.3);
 * where the bytes are no UTF-8 they are taken for Latin-1.
 */
export function decodeLastEventId(header: string): string {
  if (PRINTABLE.test(header)) return header;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(header, 'latin1'));
  } catch {
    return header;
  }
}

/** Why an id from a client cannot be one, or `undefined` if it can. */
export function lastEventIdProblem(id: string, maxBytes: number): string | undefined {
  const bytes = Buffer.byteLength(id);
  if (bytes > maxBytes) return `it has ${bytes} bytes, and at most ${maxBytes} are read`;
  if (CONTROL.test(id)) return 'it has control characters';
  return undefined;
}

/**
 * Whether a client will come back by itself when its stream ends: an `EventSource`, which the standard makes send
 * `Cache-Control: no-cache` with its GET (WHATWG HTML, 9.2.2: cache mode "no-store").
 */
export function reconnectsByItself(method: string | undefined, cacheControl: string | undefined): boolean {
  return (
    method === 'GET' && cacheControl !== undefined && /(?:^|[\s,])no-cache(?:[\s,]|$)/i.test(cacheControl)
  );
}
