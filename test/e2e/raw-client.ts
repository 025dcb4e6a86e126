import { connect, type Socket } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { clients, until } from './adapters.js';

/** A client of raw bytes. It sends only what the test says, and reads only while the test says so. */
export class RawClient {
  received = '';
  /** Whether the connection is over, for any reason. */
  closed = false;
  /** Whether the server has ended its side. */
  ended = false;

  private constructor(readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (this.received += text));
    socket.on('end', () => (this.ended = true));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
    clients.add(this);
  }

  /** Connects to an application, and sends `request`. */
  static async connect(app: INestApplication, request = ''): Promise<RawClient> {
    const { port } = new URL(await app.getUrl());
    const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
    const client = new RawClient(socket);
    await new Promise((resolve) => socket.once('connect', resolve));
    if (request !== '') socket.write(request);
    return client;
  }

  /** Sends a GET with these header lines. */
  static get(app: INestApplication, path: string, ...headers: string[]): Promise<RawClient> {
    return RawClient.connect(
      app,
      `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`,
    );
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Stops reading: the kernel's buffers fill up, and then those of the server. */
  stall(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Half-closes the connection, and continues reading. */
  halfClose(): void {
    this.socket.end();
  }

  /** Leaves with an RST, like a process that dies with unread data. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  leave(): void {
    this.socket.destroy();
  }

  /** The body so far, without the framing of chunks. */
  get body(): string {
    const [, rest = ''] = this.received.split(/\r\n\r\n([\s\S]*)/);
    if (!/^transfer-encoding: chunked$/im.test(this.received)) return rest;
    let body = '';
    for (let bytes = Buffer.from(rest); bytes.length > 0;) {
      const size = bytes.indexOf('\r\n');
      const length = Number.parseInt(bytes.toString('latin1', 0, size), 16);
      if (size < 0 || !(length > 0) || bytes.length < size + 2 + length) break;
      body += bytes.toString('utf8', size + 2, size + 2 + length);
      bytes = bytes.subarray(size + 4 + length);
    }
    return body;
  }

  async receives(text: string): Promise<void> {
    await until(
      () => this.received.includes(text),
      `${JSON.stringify(text)} in ${JSON.stringify(this.received.slice(-300))}`,
    );
  }

  async isClosed(): Promise<void> {
    await until(() => this.closed || this.ended, 'the end of the connection');
  }
}
