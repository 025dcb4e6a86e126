import { SseEvent } from '../events/sse-event.js';
import { formatCursor, type ChannelKey, type LogPosition } from './cursor.js';
import type { LogRecord } from './log-record.js';

/** Parses the text of a payload. The counterpart of `serialize`. */
export type Parse = (text: string) => unknown;

/** An event for subscribers, shared by all of them. */
export interface Deliverable {
  /** The event in the event stream format. */
  readonly frame: string;
  /** Bytes of `frame` in UTF-8. */
  readonly bytes: number;
  /** The channel of the event; `undefined` for a notice of the subscription itself. */
  readonly channel: ChannelKey | undefined;
  /** The event with its fields. `parse` makes `data` of the text. */
  toEvent(parse: Parse): SseEvent;
}

/** An event in a log: a record with its position. Only the log makes entries. Immutable. */
export class LogEntry implements Deliverable {
  /** The event id: that of the publisher, or the cursor after this entry. */
  readonly id: string;
  readonly frame: string;
  readonly bytes: number;
  readonly type: string | undefined;
  readonly payload: LogRecord['payload'];
  private readonly idAt: number;
  private event: SseEvent | undefined;

  /**
   * @param order A number by which a subscription merges several channels. It never decreases within a channel.
   */
  constructor(
    readonly channel: ChannelKey,
    readonly position: LogPosition,
    readonly order: number,
    record: LogRecord,
  ) {
    this.id = record.id ?? formatCursor([channel], [position]);
    this.type = record.type;
    this.payload = record.payload;
    this.idAt = record.idAt;
    this.frame = withId(record.frame, record.idAt, 0, this.id);
    this.bytes = record.bytes + (record.idAt === -1 ? 0 : ID_LINE_LENGTH + this.id.length);
  }

  /** The frame with another id. Subscriptions to several channels need it. */
  frameAs(id: string): string {
    return withId(this.frame, this.idAt, ID_LINE_LENGTH + this.id.length, id);
  }

  toEvent(parse: Parse): SseEvent {
    this.event ??= this.eventAs(this.id, this.frame, parse);
    return this.event;
  }

  /** @internal The event with its data as text. Not cached, because the next caller may pass a `parse` function. */
  asText(): SseEvent {
    return this.eventAs(this.id, this.frame, unparsed);
  }

  /** @internal */
  eventAs(id: string, frame: string, parse: Parse): SseEvent {
    const sent = this.idAt === -1 ? undefined : id;
    const { comment, retry, data } = decode(this.frame, this.payload);
    const value = data === undefined || this.payload === 'text' ? data : read(data, parse);
    return Object.freeze(new SseEvent(this.type, sent, retry, comment, value, frame));
  }
}

const unparsed = (text: string): string => text;

const ID_LINE_LENGTH = 'id: \n'.length;

function withId(frame: string, at: number, length: number, id: string): string {
  return at === -1 ? frame : `${frame.slice(0, at)}id: ${id}\n${frame.slice(at + length)}`;
}

// `encodeEvent` writes all frames, so the first characters of a line show its field.
function decode(frame: string, payload: LogRecord['payload']): Decoded {
  const comment: string[] = [];
  const data: string[] = [];
  let retry: number | undefined;
  for (const line of payload === 'raw' ? [] : frame.split('\n')) {
    if (line.startsWith('data: ')) data.push(line.slice(6));
    else if (line.startsWith(':')) comment.push(line.slice(2));
    else if (line.startsWith('retry: ')) retry = Number(line.slice(7));
  }
  return { comment: joined(comment), retry, data: joined(data) };
}

interface Decoded {
  comment: string | undefined;
  retry: number | undefined;
  data: string | undefined;
}

function joined(lines: readonly string[]): string | undefined {
  return lines.length === 0 ? undefined : lines.join('\n');
}

function read(text: string, parse: Parse): unknown {
  try {
    return parse(text);
  } catch {
    // `parse` does not match the `serialize` of the publisher. The text itself is the best substitute.
    return text;
  }
}
