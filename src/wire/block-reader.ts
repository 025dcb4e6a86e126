import { SseError } from '../errors/sse.errors.js';

/** One block of a stream: an event, a new last event ID, or both. */
export interface Block {
  /** `undefined` if the block has no `id` field. */
  id: string | undefined;
  type: string;
  /** `undefined` if the block has no `data` field. Clients do not dispatch an event then. */
  data: string | undefined;
}

/** Parses the bytes of one response. */
export interface BlockReader {
  /** Returns the blocks that end in these bytes, up to one that is too long. Then call `checkLength()`. */
  feed(bytes: Uint8Array): Block[];
  /** @throws {SseError} `SSE_EVENT_TOO_LARGE` if the unfinished block is longer than `maxLength`. */
  checkLength(): void;
}

/**
 * Returns a reader for one response. The blocks do not depend on how the bytes are split into chunks. An unfinished last block is
 * dropped. The reader calls `onRetry` with each reconnection time in milliseconds as soon as its line is read (WHATWG HTML, 9.2.6).
 * `maxLength` is the maximum length of one block in UTF-16 code units.
 */
export function blockReader(onRetry: (ms: number) => void, maxLength = Infinity): BlockReader {
  // With `ignoreBOM`, the decoder keeps the byte order mark, and `completeLines()` drops it. Without it, the decoder of Node 24
  // would drop a second one as well if the bytes of the first arrive in two chunks.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let unfinishedLine = '';
  /** The text that is dropped if it comes next: a byte order mark at the start of the stream (9.2.6), or the LF after a CR. */
  let dropped = '\uFEFF';
  /** The length of the complete lines of the unfinished block. */
  let blockLength = 0;
  let id: string | undefined;
  let type = '';
  let data: string | undefined;

  // A CR ends its line immediately. At the end of a chunk, the LF after it may never arrive.
  function completeLines(text: string): string[] {
    if (text === '') return [];
    const lines = text.slice(text.startsWith(dropped) ? dropped.length : 0).split(/\r\n|\n|\r/);
    dropped = text.endsWith('\r') ? '\n' : '';
    lines[0] = unfinishedLine + lines[0];
    unfinishedLine = lines.pop() ?? '';
    return lines;
  }

  function readField(line: string): void {
    const [, name, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === 'data') data = data === undefined ? value : `${data}\n${value}`;
    else if (name === 'event') type = value;
    else if (name === 'id' && !value.includes('\0')) id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) onRetry(Number(value));
  }

  return {
    feed(bytes) {
      const blocks: Block[] = [];
      for (const line of completeLines(decoder.decode(bytes, { stream: true }))) {
        if (line === '') {
          // A block without data is not an event, but its id counts (9.2.6, dispatch, step 1). The end of a stream is such a block.
          if (id !== undefined || data !== undefined) blocks.push({ id, type: type || 'message', data });
          id = data = undefined;
          type = '';
          blockLength = 0;
        } else if (!line.startsWith(':')) {
          // Comments do not count, because they are dropped when their line ends.
          blockLength += line.length + 1;
          if (blockLength > maxLength) break;
          readField(line);
        }
      }
      return blocks;
    },
    checkLength() {
      if (blockLength + unfinishedLine.length <= maxLength) return;
      throw new SseError(
        'SSE_EVENT_TOO_LARGE',
        `The server sent an event of more than ${maxLength} characters.`,
        {
          remedy: 'Raise "maxEventLength" to accept it.',
          context: { maxEventLength: maxLength },
        },
      );
    },
  };
}
