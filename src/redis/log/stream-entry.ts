import type { ChannelKey } from '../../log/cursor.js';
import { LogEntry } from '../../log/log-entry.js';
import type { LogRecord } from '../../log/log-record.js';
import { decodeRecord } from '../../log/remote/stored-record.js';
import { formatPosition, parseEntryId, type Place } from './place.js';

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
