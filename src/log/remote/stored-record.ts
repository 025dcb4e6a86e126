import type { LogRecord } from '../log-record.js';

/** The version of the format. A node that reads a later one treats the record as missing. */
const VERSION = 1;

const LETTERS = { json: 'j', text: 't', none: 'n', raw: 'r' } as const;
const PAYLOADS = new Map(Object.entries(LETTERS).map(([payload, letter]) => [letter, payload])) as Map<
  unknown,
  LogRecord['payload']
>;

/** Encodes everything of a record except its frame and id, as JSON on one line. */
export function encodeHeader({ frame, idAt, bytes, type, payload }: LogRecord): string {
  const header = [VERSION, LETTERS[payload], idAt, bytes, frame.length];
  return JSON.stringify(type === undefined ? header : [...header, type]);
}

/** Decodes a record from its header and frame; `undefined` if another version of this library wrote them. */
export function decodeRecord(header: string, frame: string, id: string | undefined): LogRecord | undefined {
  const [version, letter, idAt, bytes, length, type] = parsed(header);
  const payload = PAYLOADS.get(letter);
  if (version !== VERSION || payload === undefined || length !== frame.length) return undefined;
  if (!Number.isSafeInteger(idAt) || !Number.isSafeInteger(bytes)) return undefined;
  if (type !== undefined && typeof type !== 'string') return undefined;
  return { frame, idAt: idAt as number, bytes: bytes as number, id, type, payload };
}

/** The length of the frame that follows a header, in characters; `undefined` if the text is not a valid header. */
export function frameLength(header: string): number | undefined {
  const length = parsed(header)[4];
  return typeof length === 'number' ? length : undefined;
}

function parsed(header: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(header);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
