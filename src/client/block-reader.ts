import { createParser, type EventSourceParser } from 'eventsource-parser';

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
  private readonly decoder = new TextDecoder();
  private readonly parser: EventSourceParser;
  private blocks: Block[] = [];
  private unfinishedLine = '';
  private endedInCr = false;

  /** `onRetry` is told each reconnection time (ms) when its line is read, as the standard has it. */
  constructor(onRetry: (ms: number) => void) {
    this.parser = createParser({
      onRetry,
      onEvent: ({ id, event, data }) => {
        if (data === '' && id === undefined) return;
        this.blocks.push({ id, type: event ?? 'message', data: data === '' ? undefined : data.slice(0, -1) });
      },
    });
    // The decoder drops a byte order mark; the parser would look for one in the first text again.
    this.parser.feed('');
  }

  /** The blocks that end in these bytes. */
  feed(bytes: Uint8Array): Block[] {
    this.blocks = [];
    const lines = this.completeLines(this.decoder.decode(bytes, { stream: true }));
    // The parser says nothing of a block without data, but its id counts (9.2.6, dispatch, step 1), and the end of a
    // stream is such a block. One more, empty line of data makes it speak; onEvent takes it off again.
    let text = '';
    for (const line of lines) text += line === '' ? 'data\n\n' : `${line}\n`;
    if (text !== '') this.parser.feed(text);
    return this.blocks;
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
