import { OutgoingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { RawResponse } from './response.js';

/** Bytes that several connections send: made once, whoever asks first. */
export interface SharedBytes {
  readonly text: string;
  /** `text` in UTF-8. */
  readonly bytes: Buffer;
  readonly byteLength: number;
  /** What `make` makes of them, kept for the next who passes the same function. */
  derive<T>(make: (shared: SharedBytes) => T): T;
}

/** What the blocks of one stream are written to. */
export interface Body {
  /** Writes text of so many bytes; `false` means that the client is to be waited for. */
  write(text: string, byteLength: number): boolean;
  writeShared(shared: SharedBytes): boolean;
  /** Has `drained` called once, when what was written is gone. */
  onceDrained(drained: () => void): void;
}

/** The body as a stream, whatever middleware has made of it. */
export class StreamBody implements Body {
  constructor(private readonly stream: Writable) {}

  write(text: string): boolean {
    return this.stream.write(text);
  }

  writeShared({ bytes }: SharedBytes): boolean {
    return this.stream.write(bytes);
  }

  onceDrained(drained: () => void): void {
    this.stream.once('drain', drained);
  }
}

/**
 * The body as chunks on the socket itself (RFC 9112, 7.1). A `res.write` makes four stream writes of each chunk and
 * one system call that gathers them; behind Express that is most of what a delivery costs. One chunk that is framed
 * once goes to any number of sockets.
 */
export class SocketBody implements Body {
  constructor(private readonly socket: Socket) {}

  write(text: string, byteLength: number): boolean {
    return this.socket.write(`${byteLength.toString(16)}\r\n${text}\r\n`);
  }

  writeShared(shared: SharedBytes): boolean {
    return this.socket.write(shared.derive(toChunk));
  }

  onceDrained(drained: () => void): void {
    this.socket.once('drain', drained);
  }
}

/**
 * The socket, if writing chunks to it comes to the same as `res.write`: HTTP/1.1, a chunked body whose head is out,
 * and nobody in between who wants to see what is written.
 */
export function directSocket(response: RawResponse, stream: Writable): Socket | undefined {
  const { socket } = response;
  if ((stream as unknown) !== response || response.req.httpVersionMajor !== 1 || !socket) return undefined;
  const { chunkedEncoding } = response as { chunkedEncoding?: boolean };
  const native =
    response.write === OutgoingMessage.prototype.write && response.end === OutgoingMessage.prototype.end;
  return native && chunkedEncoding === true && response.headersSent && !socket.destroyed ? socket : undefined;
}

function toChunk({ bytes }: SharedBytes): Buffer {
  const head = `${bytes.length.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafe(head.length + bytes.length + 2);
  chunk.write(head, 'latin1');
  bytes.copy(chunk, head.length);
  chunk.write('\r\n', head.length + bytes.length, 'latin1');
  return chunk;
}
