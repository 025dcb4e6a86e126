import { SseError, quoted } from '../errors/sse.errors.js';
import { SseEvent } from './sse-event.js';

/**
 * Makes an event of text that already has the event stream format. The text is sent byte for byte.
 *
 * @throws {SseError} `SSE_INVALID_RAW` unless the text consists of whole, valid blocks: only known fields and comments, a
 * legal value in each field, and a blank line at the end.
 * @example
 * yield raw('event: notification\ndata: {"alert":"New message"}\n\n');
 */
export function raw(text: string): SseEvent {
  if (typeof text !== 'string') throw refused(text, 'is not a string');
  if (text.startsWith('\uFEFF')) throw refused(text, 'starts with a byte order mark');
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.pop() !== '') throw refused(text, 'does not end with a line break');
  if (lines.length === 0) throw refused(text, 'is empty');
  let open = false;
  for (const line of lines) {
    if (line === '') open = false;
    else if (!line.startsWith(':')) open = checkedLine(line, text);
  }
  if (open) throw refused(text, 'does not end with a blank line');
  return Object.freeze(new SseEvent(undefined, undefined, undefined, undefined, undefined, text));
}

function checkedLine(line: string, text: string): true {
  const colon = line.indexOf(':');
  const field = colon === -1 ? line : line.slice(0, colon);
  const value = colon === -1 ? '' : line.slice(line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
  switch (field) {
    case 'data':
    case 'event':
      return true;
    case 'id':
      if (value.includes('\0')) throw refused(text, 'has an id with a NUL character');
      return true;
    case 'retry':
      if (!/^\d+$/.test(value))
        throw refused(text, `has the reconnection time ${quoted(value)}, which is not digits`);
      return true;
    default:
      throw refused(text, `has a line of the unknown field ${quoted(field)}`);
  }
}

function refused(text: unknown, what: string): SseError {
  return new SseError('SSE_INVALID_RAW', `The text ${quoted(text)} given to raw() ${what}.`, {
    remedy: 'Give it whole blocks of the event stream format, or use event() and let the library write them.',
    context: { value: text },
  });
}
