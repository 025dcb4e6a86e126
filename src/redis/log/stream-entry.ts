import type { ChannelKey } from '../../log/cursor.js';
import { LogEntry } from '../../log/log-entry.js';
import type { LogRecord } from '../../log/log-record.js';
import { formatPosition, parseEntryId, type Place } from './place.js';

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

/** An entry of an `XRANGE` reply. `fields` has names and values in turn. */
export type RawEntry = readonly [id: string, fields: readonly string[]];

/** A decoded entry. `entry` is missing if another program, or another version of this library, wrote it. */
export interface ReadEntry {
  readonly place: Place;
  readonly entry: LogEntry | undefined;
}

/** Decodes an entry of the stream. Other programs may have written it. */
export function decodeEntry(key: ChannelKey, epoch: string, [id, fields]: RawEntry): ReadEntry {
  const place = parseEntryId(id);
  const header = field(fields, 'h');
  const frame = field(fields, 'f');
  if (header === undefined || frame === undefined) return { place, entry: undefined };
  const record = decodeRecord(header, frame, field(fields, 'i'));
  return { place, entry: record && entryAt(key, epoch, place, record) };
}

/** The entry of a record at a place. Its microseconds give a common order to all channels of one Redis. */
export function entryAt(key: ChannelKey, epoch: string, place: Place, record: LogRecord): LogEntry {
  return new LogEntry(key, formatPosition(epoch, place), place.us, record);
}

function field(fields: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}
