/** A header field that every event stream has. */
interface Field {
  readonly value: string;
  /** True if a value of the application is legal for an event stream. It is kept then. */
  allows(value: string): boolean;
}

const EVENT_STREAM = /^text\/event-stream\s*(?:;|$)/i;
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i;
/** Directives with which a cache does not answer a later request with an old stream (RFC 9111, 5.2.2). */
const NOT_REUSED = /(?:^|[\s,])(?:no-store|no-cache|max-age=0)(?:[\s,]|$)/i;

const FIELDS: Readonly<Record<string, Field>> = {
  'Content-Type': {
    value: 'text/event-stream',
    // The format is always UTF-8 (WHATWG HTML, 9.2.5).
    allows: (value) => EVENT_STREAM.test(value) && /^utf-?8$/i.test(CHARSET.exec(value)?.[1] ?? 'utf-8'),
  },
  'Cache-Control': {
    // no-transform: a compressing proxy or middleware would hold events back (RFC 9111, 5.2.2.6).
    value: 'no-cache, no-store, no-transform',
    allows: (value) => NOT_REUSED.test(value),
  },
  // nginx, and proxies that copy its behavior, buffer responses without this header.
  'X-Accel-Buffering': { value: 'no', allows: (value) => value.toLowerCase() === 'no' },
  'X-Content-Type-Options': { value: 'nosniff', allows: (value) => value.toLowerCase() === 'nosniff' },
};

/** The head of an event stream whose application sets none of these fields. */
export const HEAD: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(FIELDS).map(([name, { value }]) => [name, value]),
);

/** Fields that describe a body of known length. They are removed from event streams. */
export const NOT_OF_A_STREAM: readonly string[] = ['content-length', 'content-encoding', 'etag'];

const CONCERNED = new Set([...Object.keys(HEAD).map((name) => name.toLowerCase()), ...NOT_OF_A_STREAM]);

/** True for a header, in lower case, that the head of an event stream keeps, replaces or removes. */
export function concernsHead(name: string): boolean {
  return CONCERNED.has(name);
}

type HeaderValue = number | string | readonly string[] | undefined;

/** The fields that must be set in addition to those that the application has set. */
export function missingFields(valueOf: (name: string) => HeaderValue): Record<string, string> {
  const missing: Record<string, string> = {};
  for (const name in FIELDS) {
    const { value, allows } = FIELDS[name] as Field;
    const own = valueOf(name);
    if (own === undefined || !allows(String(own))) missing[name] = value;
  }
  return missing;
}

/** Describes the change to a field that is not legal for an event stream; `undefined` if the field is kept. */
export function replacedField(name: string, value: string): string | undefined {
  const known = Object.keys(FIELDS).find((field) => field.toLowerCase() === name.toLowerCase());
  if (known !== undefined) {
    const field = FIELDS[known] as Field;
    return field.allows(value) ? undefined : `sent with "${known}: ${field.value}"`;
  }
  return NOT_OF_A_STREAM.includes(name.toLowerCase()) ? `sent without "${name}"` : undefined;
}
