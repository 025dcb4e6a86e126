import { createParser, type EventSourceParser } from 'eventsource-parser';
import { SseError } from '../errors/sse.errors.js';

/** What one block of a stream brought: an event, a new last event ID, or both. */
export interface Block {
  /** `undefined` if the block has no `id` field. */
  id: string | undefined;
  type: string;
  /** `undefined` if the block has no `data` field: it is no event then. */
  data: string | undefined;
}

/** Reads the bytes of one response; cut in whatever places, they give the same blocks. An unfinished last one is none. */
export class BlockReader {
  // The reader drops the byte order mark itself. From version 24 on, the decoder of Node drops a second one as well if
  // the bytes of the first arrive in two pieces.
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly parser: EventSourceParser;
  private blocks: Block[] = [];
  private atStart = true;
  private unfinishedLine = '';
  private endedInCr = false;
  /** Length of the complete lines of the block that is being read. */
  private blockLength = 0;

  /**
   * Calls `onRetry` with each reconnection time in milliseconds as soon as its line is read (WHATWG HTML, 9.2.6).
   * `maxLength` is the most that one block may have, in UTF-16 code units.
   */
  constructor(
    onRetry: (ms: number) => void,
    private readonly maxLength = Infinity,
  ) {
    this.parser = createParser({
      onRetry,
      onEvent: ({ id, event, data }) => {
        if (data === '' && id === undefined) return;
        this.blocks.push({ id, type: event ?? 'message', data: data === '' ? undefined : data.slice(0, -1) });
      },
    });
    // Without this the parser would look for a byte order mark in the first text, after feed() has dropped it.
    this.parser.feed('');
  }

  /** Returns the blocks that end in these bytes, up to one that is too long. Call `checkLength()` when they are used. */
  feed(bytes: Uint8Array): Block[] {
    this.blocks = [];
    const lines = this.completeLines(this.decode(bytes));
    // The parser says nothing of a block without data, but its id counts (9.2.6, dispatch, step 1), and the end of a
    // stream is such a block. One more, empty line of data makes it speak; onEvent takes it off again.
    let text = '';
    for (const line of lines) {
      text += line === '' ? 'data\n\n' : `${line}\n`;
      // A comment occupies no memory once its line has ended.
      if (line === '') this.blockLength = 0;
      else if (!line.startsWith(':')) this.blockLength += line.length + 1;
      if (this.blockLength > this.maxLength) break;
    }
    if (text !== '') this.parser.feed(text);
    return this.blocks;
  }

  /** @throws {SseError} `SSE_EVENT_TOO_LARGE` if the block that is being read is longer than `maxLength`. */
  checkLength(): void {
    if (this.blockLength + this.unfinishedLine.length <= this.maxLength) return;
    throw new SseError(
      'SSE_EVENT_TOO_LARGE',
      `The server sent an event of more than ${this.maxLength} characters.`,
      {
        remedy: 'Raise "maxEventLength" if such events are expected.',
        context: { maxEventLength: this.maxLength },
      },
    );
  }

  // One byte order mark at the start of the stream is not part of it (9.2.6).
  private decode(bytes: Uint8Array): string {
    const text = this.decoder.decode(bytes, { stream: true });
    if (!this.atStart || text === '') return text;
    this.atStart = false;
    return text.startsWith('\uFEFF') ? text.slice(1) : text;
  }

  // A CR ends its line at once, also at the end of the bytes, where the parser would wait for an LF that may not come.
  private completeLines(text: string): string[] {
    if (text === '') return [];
    const lines = (this.endedInCr && text.startsWith('\n') ? text.slice(1) : text).split(/\r\n|\n|\r/);
    this.endedInCr = text.endsWith('\r');
    lines[0] = this.unfinishedLine + lines[0];
    this.unfinishedLine = lines.pop() ?? '';
    return lines;
  }
}
