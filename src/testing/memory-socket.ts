import { Duplex } from 'node:stream';

/** The first port that clients of an operating system use. */
let nextPort = 49_152;

/**
 * One end of a connection within this process. A server of `node:http` serves it like a socket. The peer takes bytes only while it reads,
 * so a client that does not read stalls the server after `highWaterMark` bytes, and not after the megabytes that a kernel buffers.
 */
export class MemorySocket extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  readonly remoteFamily = 'IPv4';
  readonly localAddress = '127.0.0.1';
  readonly localFamily = 'IPv4';
  bytesRead = 0;
  bytesWritten = 0;
  private peer!: MemorySocket;
  /** Called when the peer has taken the last chunk. */
  private taken: ((error?: Error) => void) | undefined;
  private atEnd = false;
  private silent = false;

  private constructor(
    readonly localPort: number,
    readonly remotePort: number,
  ) {
    super({ highWaterMark: 16_384 });
  }

  /** The client's and the server's end of a new connection. */
  static pair(): [client: MemorySocket, server: MemorySocket] {
    const port = nextPort++;
    const client = new MemorySocket(port, 80);
    const server = new MemorySocket(80, port);
    client.peer = server;
    server.peer = client;
    return [client, server];
  }

  /** Reads and sends nothing more, and does not tell the peer, not even when this end is destroyed. */
  vanish(): void {
    this.silent = true;
  }

  override _read(): void {
    const { peer } = this;
    if (this.silent) return;
    const { taken } = peer;
    peer.taken = undefined;
    taken?.();
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error) => void): void {
    this.bytesWritten += chunk.length;
    if (this.silent) return callback();
    const { peer } = this;
    if (peer.destroyed && !peer.silent) return callback(broken());
    this.taken = callback;
    if (!peer.destroyed) peer.receive(chunk);
  }

  override _final(callback: () => void): void {
    if (!this.silent) this.peer.finish();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.silent) process.nextTick(() => this.peer.lost());
    callback(error);
  }

  /** Ends the connection when all bytes are written. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  // A server sets these on each of its sockets.
  setTimeout(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  private receive(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    this.push(chunk);
  }

  private finish(): void {
    if (this.atEnd || this.destroyed) return;
    this.atEnd = true;
    this.push(null);
  }

  /** The peer is destroyed. The bytes that it has sent can still be read. */
  private lost(): void {
    const { taken } = this;
    this.taken = undefined;
    taken?.(broken());
    this.finish();
  }
}

function broken(): Error {
  return Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
}
