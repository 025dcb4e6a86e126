import { SseError, quoted } from '../errors/sse.errors.js';

/**
 * Where the `id` line goes in raw text: at the start of its last block that has a field, so that a client has the whole
 * text once its last event ID has moved. -1 if there are only comments.
 *
 * @throws {SseError} `SSE_INVALID_RAW` if the text has an id of its own.
 */
export function idLineIndex(text: string): number {
  let last = -1;
  let inBlock = false;
  let start = 0;
  for (const { 0: lineBreak, index } of text.matchAll(/\r\n|\n|\r/g)) {
    const line = text.slice(start, index);
    if (line === '') inBlock = false;
    else if (line.startsWith(':')) {
      // A comment may stand anywhere; it opens no block.
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
  return new SseError('SSE_INVALID_RAW', `The raw text ${quoted(text)} with an id was published.`, {
    remedy: 'Take its id lines out: the channel gives the id from which clients resume.',
    context: { value: text },
  });
}
