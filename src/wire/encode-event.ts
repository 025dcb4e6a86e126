import { comment, type SseEvent } from '../events/sse-event.js';
import { toText, type Serialize } from '../events/to-event.js';

/** The comment the library writes by itself: no blank line, as some clients fire an empty message for each. */
export const COMMENT = ':\n';
/** The same as an event. */
export const EMPTY_COMMENT: SseEvent = comment('');

/**
 * An event as it goes over the wire: comment, `event`, `id`, `retry`, `data`, a blank line; LF only, one space after
 * each colon (WHATWG HTML, 9.2.5). A comment alone is written without the blank line: it ends no block.
 *
 * @throws {SseError} `SSE_NOT_SERIALIZABLE` if `data` is not text and cannot be made so.
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
