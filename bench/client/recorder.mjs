import { connect } from 'node:net';
import { nowMicros } from '../machinery/clock.mjs';
import { problemOf } from '../machinery/payload.mjs';

const SLAB_BYTES = 1 << 24;
const READ_BYTES = 65_536;
const LAST_CHUNK = '0\r\n\r\n';

/**
 * One stream to its end. While it arrives, its bytes are only copied from the socket into memory, so that the server
 * never waits for the client. They are parsed and checked afterwards.
 */
export class Recorder {
  #parts = [];
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #used = 0;
  #kept = 0;

  async record({ port, path, timeoutMs = 60_000 }) {
    const startedAt = nowMicros();
    let reads = 0;
    await new Promise((resolve) => {
      const socket = connect({
        port,
        host: '127.0.0.1',
        onread: {
          buffer: () => this.#room(),
          callback: (length) => {
            reads++;
            this.#used += length;
            if (this.#endsHere()) socket.destroy();
            return true;
          },
        },
      });
      socket.on('connect', () => {
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`);
      });
      socket.on('error', () => {});
      socket.on('close', resolve);
      setTimeout(() => socket.destroy(), timeoutMs).unref();
    });
    return { micros: nowMicros() - startedAt, reads };
  }

  /** The first fault in the recorded stream, if any, and the length of its body. */
  check({ events }) {
    this.#keep();
    const response = Buffer.concat(this.#parts);
    this.#parts = [];
    const head = response.indexOf('\r\n\r\n');
    if (head === -1) return { problem: 'there was no answer' };
    const text = response.latin1Slice(0, head).toLowerCase();
    if (!text.startsWith('http/1.1 200 ')) return { problem: `the answer is ${text.slice(0, 200)}` };
    const chunked = text.includes('transfer-encoding: chunked');
    const body = chunked ? unchunked(response, head + 4) : response.subarray(head + 4);
    if (!body) return { problem: 'the chunked coding is broken' };
    return { problem: problemOf(body, { count: events }), bytes: body.length };
  }

  #room() {
    if (this.#used + READ_BYTES > this.#slab.length) {
      this.#keep();
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = this.#kept = 0;
    }
    return this.#slab.subarray(this.#used, this.#used + READ_BYTES);
  }

  #keep() {
    if (this.#used > this.#kept) this.#parts.push(this.#slab.subarray(this.#kept, this.#used));
    this.#kept = this.#used;
  }

  // A last chunk that is split between two reads would be missed. The server's close then gives the same result.
  #endsHere() {
    const start = this.#used - LAST_CHUNK.length;
    return start >= 0 && this.#slab.latin1Slice(start, this.#used) === LAST_CHUNK;
  }
}

/** The body without the chunked coding (RFC 9112, 7.1), or `undefined` if that is incomplete. */
function unchunked(bytes, start) {
  const parts = [];
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', start);
    if (lineEnd === -1) return undefined;
    const size = parseInt(bytes.latin1Slice(start, lineEnd), 16);
    if (Number.isNaN(size)) return undefined;
    if (size === 0) return Buffer.concat(parts);
    const end = lineEnd + 2 + size;
    if (bytes[end] !== 13 || bytes[end + 1] !== 10) return undefined;
    parts.push(bytes.subarray(lineEnd + 2, end));
    start = end + 2;
  }
}
