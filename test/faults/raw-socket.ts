import { connect, type Socket } from 'node:net';

/** A client of raw bytes, for requests that no HTTP library would send. */
export class RawSocket {
  /** Number of received bytes. */
  bytes = 0;
  text = '';
  closed = false;
  /** Keep received bytes in `text`. Off for clients that receive much. */
  keep = true;
  onText: ((text: string) => void) | undefined;

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  /** With `readBytes`, no more than this is read at a time, when {@link read} is called. */
  static async connect(port: number, options?: { readBytes: number }): Promise<RawSocket> {
    let client: RawSocket | undefined;
    const host = '127.0.0.1';
    const socket = options
      ? connect({
          port,
          host,
          onread: {
            buffer: Buffer.alloc(options.readBytes),
            callback: (size: number, buffer: Uint8Array) => {
              client?.take(Buffer.from(buffer.subarray(0, size)).toString('latin1'));
              return false;
            },
          },
        })
      : connect({ port, host, allowHalfOpen: true });
    client = new RawSocket(socket);
    const made = client;
    if (!options) socket.on('data', (chunk: Buffer) => made.take(chunk.toString('latin1')));
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  private take(text: string): void {
    this.bytes += text.length;
    if (this.keep) this.text += text;
    this.onText?.(text);
  }

  send(text: string | Buffer): void {
    this.socket.write(text);
  }

  stall(): void {
    this.socket.pause();
  }

  read(): void {
    this.socket.resume();
  }

  halfClose(): void {
    this.socket.end();
  }

  /** RST instead of FIN. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  leave(): void {
    this.socket.destroy();
  }
}
