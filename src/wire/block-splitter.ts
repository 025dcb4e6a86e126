import { SseError } from '../errors/sse.errors.js';

const LF = 10;
const CR = 13;
const COLON = 58;

/** The kind of the unfinished line. `start`: it has no character yet. */
type Line = 'start' | 'field' | 'comment';

/**
 * Splits the bytes of an event stream at the ends of blocks, without changing them. The result does not depend on how the bytes
 * are split into chunks. Line ends and colons are ASCII, so no character is split.
 *
 * Comments between two blocks are returned without waiting for the next block.
 */
export class BlockSplitter {
  private held: Uint8Array[] = [];
  private heldBytes = 0;
  private line: Line = 'start';
  /** True if the current block has a field. */
  private open = false;
  /** True if the held bytes have a comment before the block. */
  private commented = false;
  private afterCr = false;
  private first = true;

  /** `maxBytes` is the maximum size of one block. */
  constructor(private readonly maxBytes: number) {}

  /**
   * Returns the blocks that end in these bytes.
   *
   * @throws {SseError} `SSE_EVENT_TOO_LARGE` for a block of more than `maxBytes`.
   */
  feed(bytes: Uint8Array): Uint8Array[] {
    const blocks: Uint8Array[] = [];
    let from = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      // The LF of a CR LF belongs to the line that the CR has ended.
      if (byte === LF && this.afterCr) this.afterCr = false;
      else if (byte === LF || byte === CR) {
        this.afterCr = byte === CR;
        if (!this.endLine()) continue;
        if (byte === CR && bytes[i + 1] === LF) {
          this.afterCr = false;
          i++;
        }
        blocks.push(this.take(bytes.subarray(from, i + 1)));
        from = i + 1;
      } else {
        this.afterCr = false;
        if (this.line === 'start') this.line = byte === COLON ? 'comment' : 'field';
      }
    }
    const rest = bytes.subarray(from);
    if (this.commented && !this.open && this.line === 'start') blocks.push(this.take(rest));
    else this.hold(rest);
    return blocks;
  }

  /** Returns true if the line ends a block that has a field. */
  private endLine(): boolean {
    const { line, open } = this;
    this.line = 'start';
    if (line === 'comment') this.commented = true;
    this.open = line === 'field' || (open && line === 'comment');
    return open && line === 'start';
  }

  private hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.heldBytes += bytes.length;
    if (this.heldBytes > this.maxBytes) throw tooLarge(this.maxBytes);
    this.held.push(bytes);
  }

  private take(last: Uint8Array): Uint8Array {
    const { held } = this;
    this.commented = false;
    const block = held.length === 0 ? last : joined(held, last, this.heldBytes + last.length);
    this.held = [];
    this.heldBytes = 0;
    if (!this.first) return block;
    this.first = false;
    return withoutByteOrderMark(block);
  }
}

function joined(parts: Uint8Array[], last: Uint8Array, length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  all.set(last, at);
  return all;
}

/** Removes a byte order mark. It is legal only at the start of a stream (WHATWG HTML, 9.2.5), and the block gets into another. */
function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function tooLarge(maxBytes: number): SseError {
  return new SseError('SSE_EVENT_TOO_LARGE', `The upstream sent an event of more than ${maxBytes} bytes.`, {
    remedy: 'Check whether its response is an event stream, or raise "maxEventBytes" of eventsOf().',
    context: { maxBytes },
  });
}
