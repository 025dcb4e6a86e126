import { comment, type SseEvent } from '../events/sse-event.js';
import { toText, type Serialize } from '../events/to-event.js';

/** The comment of heartbeats and heads. It has no blank line, because some clients fire an empty message for each one. */
export const COMMENT = ':\n';
/** {@link COMMENT} as an event. */
export const EMPTY_COMMENT: SseEvent = comment('');

/**
 * Encodes an event: comment, `event`, `id`, `retry`, `data` and a blank line, with LF as line end and one space after each colon
 * (WHATWG HTML, 9.2.5). A comment alone has no blank line, because it does not end a block.
 *
 * @throws {SseError} `SSE_NOT_SERIALIZABLE` if `data` is not text and cannot be serialized.
 */
export function encodeEvent(event: SseEvent, serialize: Serialize = JSON.stringify): string {
  if (event.raw !== undefined) return event.raw;
  const { type, id, retry, comment, data } = event;
  let block = '';
  if (type !== undefined) block = `event: ${type}\n`;
  if (id !== undefined) block += `id: ${id}\n`;
  if (retry !== undefined) block += `retry: ${retry}\n`;
  if (data !== undefined) block += lines('data: ', typeof data === 'string' ? data : toText(data, serialize));
  const before = comment === undefined ? '' : comment === '' ? COMMENT : lines(': ', comment);
  return block === '' ? before : `${before}${block}\n`;
}

const LINE_BREAK = /\r\n|\n|\r/;

function lines(prefix: string, text: string): string {
  if (!text.includes('\n') && !text.includes('\r')) return `${prefix}${text}\n`;
  let out = '';
  for (const line of text.split(LINE_BREAK)) out += `${prefix}${line}\n`;
  return out;
}
