import { SseError } from '../errors/sse.errors.js';

/** One block of a stream: an event, a new last event ID, or both. */
export interface Block {
  /** `undefined` if the block has no `id` field. */
  id: string | undefined;
  type: string;
  /** `undefined` if the block has no `data` field. Clients do not dispatch an event then. */
  data: string | undefined;
}

/**
 * Parses the bytes of one response. The blocks do not depend on how the bytes are split into chunks. An unfinished last block is
 * dropped.
 */
export class BlockReader {
  // With `ignoreBOM`, the decoder keeps the byte order mark, and `decode()` below drops it. Without it, the decoder of Node 24
  // would drop a second one as well if the bytes of the first arrive in two chunks.
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private atStart = true;
  private unfinishedLine = '';
  private endedInCr = false;
  /** The length of the complete lines of the unfinished block. */
  private blockLength = 0;
  private id: string | undefined;
  private type = '';
  private data: string | undefined;

  /**
   * Calls `onRetry` with each reconnection time in milliseconds as soon as its line is read (WHATWG HTML, 9.2.6). `maxLength`
   * is the maximum length of one block in UTF-16 code units.
   */
  constructor(
    private readonly onRetry: (ms: number) => void,
    private readonly maxLength = Infinity,
  ) {}

  /** Returns the blocks that end in these bytes, up to one that is too long. Then call `checkLength()`. */
  feed(bytes: Uint8Array): Block[] {
    const blocks: Block[] = [];
    for (const line of this.completeLines(this.decode(bytes))) {
      if (line === '') {
        const { id, type, data } = this;
        // A block without data is not an event, but its id counts (9.2.6, dispatch, step 1). The end of a stream is such a block.
        if (id !== undefined || data !== undefined) blocks.push({ id, type: type || 'message', data });
        this.id = this.data = undefined;
        this.type = '';
        this.blockLength = 0;
      } else if (!line.startsWith(':')) {
        // Comments do not count, because they are dropped when their line ends.
        this.blockLength += line.length + 1;
        if (this.blockLength > this.maxLength) break;
        this.readField(line);
      }
    }
    return blocks;
  }

  /** @throws {SseError} `SSE_EVENT_TOO_LARGE` if the unfinished block is longer than `maxLength`. */
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

  private readField(line: string): void {
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') this.data = this.data === undefined ? value : `${this.data}\n${value}`;
    else if (name === 'event') this.type = value;
    else if (name === 'id' && !value.includes('\0')) this.id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.onRetry(Number(value));
  }

  // A byte order mark at the start of the stream is dropped (9.2.6).
  private decode(bytes: Uint8Array): string {
    const text = this.decoder.decode(bytes, { stream: true });
    if (!this.atStart || text === '') return text;
    this.atStart = false;
    return text.startsWith('\uFEFF') ? text.slice(1) : text;
  }

  // A CR ends its line immediately. At the end of a chunk, the parser would wait for an LF that may never arrive.
  private completeLines(text: string): string[] {
    if (text === '') return [];
    const lines = (this.endedInCr && text.startsWith('\n') ? text.slice(1) : text).split(/\r\n|\n|\r/);
    this.endedInCr = text.endsWith('\r');
    lines[0] = this.unfinishedLine + lines[0];
    this.unfinishedLine = lines.pop() ?? '';
    return lines;
  }
}
