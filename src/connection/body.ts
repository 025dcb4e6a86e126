// Longer than others: the four ways to write a body are side by side.
import { OutgoingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { SharedTimers, Timed } from '../time/shared-timers.js';
import { isHttp2, type RawResponse } from './response.js';
import { unsentBytes } from './stall-watch.js';

/** Bytes that several connections send. They are encoded once. */
export interface SharedBytes {
  readonly text: string;
  /** `text` in UTF-8. */
  readonly bytes: Buffer;
  readonly byteLength: number;
  /** Returns `make(this)`, and caches it for the next call with the same function. */
  derive<T>(make: (shared: SharedBytes) => T): T;
}

/** Encoded events that several connections send. `EventBatch` of `channels/` fits it without importing it. */
export interface SharedBatch extends SharedBytes {
  /** The number of events. */
  readonly size: number;
}

/** The body of one event stream. */
export interface Body {
  /** Writes text of `byteLength` bytes. `false` means backpressure. */
  write(text: string, byteLength: number): boolean;
  writeShared(shared: SharedBytes): boolean;
  /** Calls `drained` once, when all written bytes are gone. */
  onceDrained(drained: () => void): void;
  /** Cancels `onceDrained()`. */
  stop?(): void;
  /** Bytes that were written to the body, but not yet to the response. */
  readonly heldBytes: number;
  /** Writes the last text, which may be empty, and ends the response. */
  end(text: string): void;
}

/** Only `false` is backpressure. Middleware that wraps `write()` may drop its return value, and `undefined` is not. */
export function takesMore(written: unknown): boolean {
  return written !== false;
}

/** The interval at which a blocked stream is checked, in case it never emits `drain`. */
const DRAIN_CHECK_MS = 250;

/**
 * Writes to the response as a stream, with all wrappers that middleware has put on it. A stream counts as drained when it
 * has no unsent bytes, even if a wrapper does not emit `drain`.
 */
export class StreamBody implements Body, Timed {
  readonly heldBytes = 0;
  bucket: Set<Timed> | undefined;
  private drained: (() => void) | undefined;
  private onDrain: (() => void) | undefined;

  constructor(
    private readonly stream: Writable,
    private readonly response: RawResponse,
    private readonly timers: SharedTimers,
  ) {}

  write(text: string): boolean {
    return takesMore(this.stream.write(text));
  }

  writeShared({ bytes }: SharedBytes): boolean {
    return takesMore(this.stream.write(bytes));
  }

  onceDrained(drained: () => void): void {
    this.drained = drained;
    this.timers.schedule(this, DRAIN_CHECK_MS);
    // `stop()` removes the listener. Otherwise listeners would accumulate on a stream that never emits `drain`.
    if (this.onDrain) return;
    this.onDrain = () => this.finishDrain();
    this.stream.on('drain', this.onDrain);
  }

  due(): void {
    const { stream, response } = this;
    if (stream.destroyed || response.destroyed) return;
    const waiting = (stream.writableLength || 0) + unsentBytes(response);
    if (waiting > 0) this.timers.schedule(this, DRAIN_CHECK_MS);
    else this.finishDrain();
  }

  stop(): void {
    this.drained = undefined;
    this.timers.cancel(this);
    if (!this.onDrain) return;
    this.stream.off('drain', this.onDrain);
    this.onDrain = undefined;
  }

  private finishDrain(): void {
    const { drained } = this;
    this.stop();
    drained?.();
  }

  end(text: string): void {
    endStream(this.stream, text);
  }
}

/** A compressing stream. */
export interface Flushing extends Writable {
  flush(): void;
}

/** Writes to a compressing stream, and flushes after each write. Otherwise the stream would hold events back. */
export class FlushedBody extends StreamBody {
  constructor(
    private readonly flushing: Flushing,
    response: RawResponse,
    timers: SharedTimers,
  ) {
    super(flushing, response, timers);
  }

  override write(text: string): boolean {
    const more = super.write(text);
    this.flushing.flush();
    return more;
  }

  override writeShared(shared: SharedBytes): boolean {
    const more = super.writeShared(shared);
    this.flushing.flush();
    return more;
  }
}

/**
 * Writes chunks to the socket itself (RFC 9112, 7.1). `res.write()` makes four stream writes and a gathering system call of
 * each chunk. Behind Express that is most of the cost of a delivery. Here a chunk is framed once for all sockets.
 */
export class SocketBody implements Body {
  readonly heldBytes = 0;

  constructor(
    private readonly socket: Socket,
    private readonly stream: Writable,
  ) {}

  write(text: string, byteLength: number): boolean {
    return takesMore(this.socket.write(`${byteLength.toString(16)}\r\n${text}\r\n`));
  }

  writeShared(shared: SharedBytes): boolean {
    return takesMore(this.socket.write(shared.derive(toChunk)));
  }

  onceDrained(drained: () => void): void {
    this.socket.once('drain', drained);
  }

  end(text: string): void {
    endStream(this.stream, text);
  }
}

/** A client that reads at least this many bytes within `stallMs` does not count as stalled. */
const PART_BYTES = 16_384;

/**
 * Writes to a response over HTTP/2. Node reports a write only once all of it was sent, so large writes are split into parts.
 * Each finished part shows that a slow client still reads.
 */
export class PartedBody implements Body {
  private rest: Buffer | undefined;
  private ending = false;
  private drained: (() => void) | undefined;

  constructor(private readonly stream: Writable) {}

  get heldBytes(): number {
    return this.rest?.length ?? 0;
  }

  write(text: string, byteLength: number): boolean {
    return byteLength > PART_BYTES ? this.hold(Buffer.from(text)) : takesMore(this.stream.write(text));
  }

  writeShared({ bytes }: SharedBytes): boolean {
    return bytes.length > PART_BYTES ? this.hold(bytes) : takesMore(this.stream.write(bytes));
  }

  onceDrained(drained: () => void): void {
    if (this.rest) this.drained = drained;
    else this.stream.once('drain', drained);
  }

  end(text: string): void {
    const bytes = Buffer.byteLength(text);
    if (!this.rest && bytes <= PART_BYTES) return endStream(this.stream, text);
    this.ending = true;
    if (this.rest) this.rest = Buffer.concat([this.rest, Buffer.from(text)]);
    else this.hold(Buffer.from(text));
  }

  private hold(bytes: Buffer): false {
    this.rest = bytes;
    this.next();
    return false;
  }

  private next(): void {
    const { rest, stream } = this;
    if (!rest || stream.destroyed || stream.writableEnded) return;
    const last = rest.length <= PART_BYTES;
    this.rest = last ? undefined : rest.subarray(PART_BYTES);
    if (last && this.ending) {
      stream.write(rest);
      stream.end();
      return;
    }
    stream.write(rest.subarray(0, PART_BYTES), (error) => {
      if (error) return;
      if (this.rest) return this.next();
      const { drained } = this;
      this.drained = undefined;
      drained?.();
    });
  }
}

/** The body of a response for which {@link directSocket} returned `undefined`. */
export function bodyOf(response: RawResponse, stream: Writable, timers: SharedTimers): Body {
  // A `write()` that middleware has wrapped may drop the callback, without which no second part would be written.
  const parted = (stream as unknown) === response && isHttp2(response) && !Object.hasOwn(stream, 'write');
  if (parted) return new PartedBody(stream);
  if (typeof (stream as Partial<Flushing>).flush !== 'function') {
    return new StreamBody(stream, response, timers);
  }
  return new FlushedBody(stream as Flushing, response, timers);
}

/**
 * The socket, if writing chunks to it has the same effect as `res.write()`: HTTP/1.1, a chunked body, and no middleware that
 * has wrapped the response. The head is then written and the socket corked, so that the first events are sent together with
 * the head. The caller must uncork it.
 */
export function directSocket(response: RawResponse, stream: Writable): Socket | undefined {
  const { socket } = response;
  if ((stream as unknown) !== response || isHttp2(response)) return undefined;
  // Serverless adapters and Fastify's inject() have an incomplete mock instead of a socket.
  if (!(socket instanceof Socket) || socket.destroyed) return undefined;
  const { write, end, flushHeaders } = OutgoingMessage.prototype;
  if (response.write !== write || response.end !== end || response.flushHeaders !== flushHeaders)
    return undefined;
  socket.cork();
  let direct = false;
  try {
    response.flushHeaders();
    direct = (response as { chunkedEncoding?: boolean }).chunkedEncoding === true;
  } finally {
    if (!direct) socket.uncork();
  }
  return direct ? socket : undefined;
}

function endStream(stream: Writable, text: string): void {
  if (stream.destroyed || stream.writableEnded) return;
  // Not `end(text)`: middleware that wraps write() must see every byte.
  if (text !== '') stream.write(text);
  stream.end();
}

/** Frames bytes as one chunk (RFC 9112, 7.1). */
export function toChunk({ bytes }: SharedBytes): Buffer {
  const head = `${bytes.length.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafe(head.length + bytes.length + 2);
  chunk.write(head, 'latin1');
  bytes.copy(chunk, head.length);
  chunk.write('\r\n', head.length + bytes.length, 'latin1');
  return chunk;
}
