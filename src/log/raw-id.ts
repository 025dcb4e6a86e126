import { SseError, quoted } from '../errors/sse.errors.js';

/**
 * The index at which the `id` line belongs in raw text: the start of the last block with a field. So a client has received the
 * whole text when its last event ID changes. -1 if there are only comments.
 *
 * @throws {SseError} `SSE_INVALID_RAW` if the text has an `id` line.
 */
export function idLineIndex(text: string): number {
  let last = -1;
  let inBlock = false;
  let start = 0;
  for (const { 0: lineBreak, index } of text.matchAll(/\r\n|\n|\r/g)) {
    const line = text.slice(start, index);
    if (line === '') inBlock = false;
    else if (line.startsWith(':')) {
      // A comment does not start a block.
    } else {
      if (line === 'id' || line.startsWith('id:')) throw ownId(text);
      if (!inBlock) last = start;
      inBlock = true;
    }
    start = index + lineBreak.length;
  }
  return last;
}

function ownId(text: string): SseError {
  return new SseError('SSE_INVALID_RAW', `The published raw text has an "id" line: ${quoted(text)}.`, {
    remedy: 'Remove its id lines. The channel assigns the id with which clients resume.',
    context: { value: text },
  });
}
