// Longer than others: the four ways in which a body is written stand side by side.
import { OutgoingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { SharedTimers, Timed } from '../time/shared-timers.js';
import { isHttp2, type RawResponse } from './response.js';
import { unsentBytes } from './stall-watch.js';

/** Bytes that several connections send: made once, whoever asks first. */
export interface SharedBytes {
  readonly text: string;
  /** `text` in UTF-8. */
  readonly bytes: Buffer;
  readonly byteLength: number;
  /** What `make` makes of them, kept for the next who passes the same function. */
  derive<T>(make: (shared: SharedBytes) => T): T;
}

/** Bytes of several events that several connections send. */
export interface SharedBatch extends SharedBytes {
  /** How many events there are. */
  readonly size: number;
}

/** What the blocks of one stream are written to. */
export interface Body {
  /** Writes text of so many bytes; `false` means that the client is to be waited for. */
  write(text: string, byteLength: number): boolean;
  writeShared(shared: SharedBytes): boolean;
  /** Has `drained` called once, when what was written is gone. */
  onceDrained(drained: () => void): void;
  /** Nobody waits for `drained` any more. */
  stop?(): void;
  /** Bytes that were written and have not been handed on yet. */
  readonly held: number;
  /** Writes the last text, empty if there is none, and ends the response. */
  end(text: string): void;
}

/** Only `false` is backpressure: middleware that wraps `write()` may drop its return value. */
export function takesMore(written: unknown): boolean {
  return written !== false;
}

/** How often a stream without `drain` is asked whether anything waits in it. */
const DRAIN_CHECK_MS = 250;

/**
 * The body as a stream, whatever middleware has made of it. A stream in which nothing waits any more is drained, whether
 * it says so or not.
 */
export class StreamBody implements Body, Timed {
  readonly held = 0;
  slot: Set<Timed> | undefined;
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
    // Removed again by `stop()`: listeners would add up where the event never comes.
    if (this.onDrain) return;
    this.onDrain = () => this.goOn();
    this.stream.on('drain', this.onDrain);
  }

  due(): void {
    const { stream, response } = this;
    if (stream.destroyed || response.destroyed) return;
    const waiting = (stream.writableLength || 0) + unsentBytes(response);
    if (waiting > 0) this.timers.schedule(this, DRAIN_CHECK_MS);
    else this.goOn();
  }

  stop(): void {
    this.drained = undefined;
    this.timers.cancel(this);
    if (!this.onDrain) return;
    this.stream.off('drain', this.onDrain);
    this.onDrain = undefined;
  }

  private goOn(): void {
    const { drained } = this;
    this.stop();
    drained?.();
  }

  end(text: string): void {
    endStream(this.stream, text);
  }
}

/** What flushes: compression of any kind. */
interface Flushing extends Writable {
  flush(): void;
}

/** The body as a stream that would hold back what it is given until it is worth its while: each write is pushed on. */
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
 * The body as chunks on the socket itself (RFC 9112, 7.1). A `res.write` makes four stream writes of each chunk and
 * one system call that gathers them; behind Express that is most of what a delivery costs. One chunk that is framed
 * once goes to any number of sockets.
 */
export class SocketBody implements Body {
  readonly held = 0;

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

/** A client that takes so much within `stallMs` is not taken for one that stands still. */
const PART_BYTES = 16_384;

/**
 * The body of a response over HTTP/2, which tells of what it was given only once all of it went out: much at a time
 * is handed over in parts, so that a slow client can be seen to read.
 */
export class PartedBody implements Body {
  private rest: Buffer | undefined;
  private ending = false;
  private drained: (() => void) | undefined;

  constructor(private readonly stream: Writable) {}

  get held(): number {
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

/** How a body is written before it is known how it goes over the wire. */
export function bodyOf(response: RawResponse, stream: Writable, timers: SharedTimers): Body {
  // A `write()` that somebody has wrapped may drop the callback that tells when a part is gone.
  const parted = (stream as unknown) === response && isHttp2(response) && !Object.hasOwn(stream, 'write');
  if (parted) return new PartedBody(stream);
  if (typeof (stream as Partial<Flushing>).flush !== 'function') {
    return new StreamBody(stream, response, timers);
  }
  return new FlushedBody(stream as Flushing, response, timers);
}

/**
 * The socket, if writing chunks to it comes to the same as `res.write`: HTTP/1.1, a chunked body, and nobody in between
 * who wants to see what is written. The head is then on it, and the socket corked, so that what follows at once goes
 * out together with the head.
 */
export function directSocket(response: RawResponse, stream: Writable): Socket | undefined {
  const { socket } = response;
  if ((stream as unknown) !== response || isHttp2(response)) return undefined;
  // Serverless adapters and Fastify's inject() have something in its place that does less.
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
  // Not `end(text)`: middleware that wraps write() is to see every byte.
  if (text !== '') stream.write(text);
  stream.end();
}

/** Bytes as one chunk (RFC 9112, 7.1). */
export function toChunk({ bytes }: SharedBytes): Buffer {
  const head = `${bytes.length.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafe(head.length + bytes.length + 2);
  chunk.write(head, 'latin1');
  bytes.copy(chunk, head.length);
  chunk.write('\r\n', head.length + bytes.length, 'latin1');
  return chunk;
}
