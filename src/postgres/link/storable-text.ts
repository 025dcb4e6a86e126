import { createHash } from 'node:crypto';
import { toUSVString } from 'node:util';

/** An entry of an index has at most 2704 bytes. */
const MAX_KEY_BYTES = 1024;
const HASHED = 'sha256:';

/**
 * A key as text that PostgreSQL can store: without U+0000, and short enough for an index. A key that does not fit becomes a hash.
 */
export function storableKey(key: string): string {
  const fits = Buffer.byteLength(key) <= MAX_KEY_BYTES && !key.includes('\0') && !key.startsWith(HASHED);
  return fits ? key : HASHED + createHash('sha256').update(key).digest('hex');
}

/** Text without lone surrogates, as UTF-8 writes it. PostgreSQL rejects their escapes in JSON. */
export function wellFormed(text: string): string {
  return toUSVString(text);
}
