import type { Socket } from 'node:net';
import type { SharedTimers, Timed } from '../time/shared-timers.js';
import { isHttp2, type RawResponse } from './response.js';
import { onceClosed, waitingCount } from './socket-close.js';

/** Receives the end of a response. */
export interface ResponseOwner {
  /** True if the owner itself has ended the response. */
  readonly ended: boolean;
  /** Bytes that the client has not read; `undefined` if it has reset the stream. */
  unsent(): number | undefined;
  /** The response accepts no more bytes. */
  gone(): void;
}

/** The part of an HTTP/2 stream that we use. */
interface Http2StreamLike {
  /** Ended by a frame of the protocol. `destroyed` follows, except in the case that {@link isReset} handles. */
  readonly closed: boolean;
  readonly destroyed: boolean;
  close(code: number): void;
  destroy(): void;
}

/** CANCEL (RFC 9113, 7) ends one stream. The session and its other streams stay open. */
const CANCEL = 8;

/**
 * Reports that the client has left, by the `close` event of the response. That of the request comes too early if its body was
 * read, and never if it was not. A pipelined response that waits behind another one has no socket yet, so the socket of its
 * request is watched.
 */
export function watchResponse(raw: RawResponse, owner: ResponseOwner): void {
  const socket = requestSocket(raw);
  const gone = (): void => owner.gone();
  raw.on('error', ignore);
  raw.on('close', gone);
  if (raw.socket === null && socket && !isHttp2(raw)) {
    raw.once('close', onceClosed(socket, gone));
  }
  if (raw.destroyed || raw.writableEnded || socket?.destroyed) gone();
}

/**
 * How many streams of a connection wait for earlier responses to end, because the client has pipelined its requests (RFC 9112,
 * 9.3.2). 0 for a response that does not wait.
 */
export function waitingBefore(raw: RawResponse): number {
  if (raw.socket !== null || isHttp2(raw)) return 0;
  const socket = requestSocket(raw);
  return socket ? waitingCount(socket) : 0;
}

/** A response without unsent bytes emits `close` well within this time, if it ever does. */
const CLOSE_WITHIN_MS = 250;

/**
 * Reports the end of responses that never emit `close`: those of mocks and serverless adapters, and those whose events are
 * intercepted by middleware. Without this, their streams would count as open forever.
 */
export class EndWatch implements Timed {
  bucket: Set<Timed> | undefined;

  constructor(
    private readonly raw: RawResponse,
    private readonly owner: ResponseOwner,
    private readonly timers: SharedTimers,
  ) {
    timers.schedule(this, CLOSE_WITHIN_MS);
  }

  due(): void {
    const { raw, owner } = this;
    // While there are unsent bytes, `StallWatch` decides.
    if (!raw.destroyed && (owner.unsent() ?? 0) > 0) this.timers.schedule(this, CLOSE_WITHIN_MS);
    else owner.gone();
  }

  stop(): void {
    this.timers.cancel(this);
  }
}

/**
 * True if the client has reset an HTTP/2 stream without an error code while bytes were on their way. Node then waits for these
 * bytes forever, emits nothing, and keeps the session open. `stream.close()` of Node's own client sends such a reset. So this
 * is checked with each write, and while a write waits.
 */
export function isReset(raw: RawResponse): boolean {
  const stream = http2Stream(raw);
  return stream !== undefined && stream.closed && !stream.destroyed;
}

/** Breaks the connection of a response, so that a client cannot mistake this for the end of the body. */
export function cutResponse(raw: RawResponse): void {
  if (!isHttp2(raw)) return void (raw as Partial<RawResponse>).destroy?.();
  const stream = http2Stream(raw);
  if (!stream?.closed) stream?.close(CANCEL);
  // After close(), Node would wait for a stalled session, and for writes that a reset has overtaken.
  stream?.destroy();
}

/** Reports that code outside this library has ended the response, before the outlet can write after its last chunk. */
export function watchForeignEnd(raw: RawResponse, owner: ResponseOwner): void {
  // `prefinish` is emitted within `end()`. `finish` would come too late, after the socket.
  raw.on('prefinish', () => {
    if (!owner.ended) owner.gone();
  });
}

/** Releases the connection of a response that has ended, if it cannot be used for another request. */
export function releaseConnection(raw: RawResponse): void {
  if (isReset(raw)) http2Stream(raw)?.destroy();
  // Nobody reads the rest of the request body, so no other request could follow on this connection.
  const socket: Partial<Socket> | undefined = raw.socket ?? requestSocket(raw);
  const { complete } = (raw.req as Partial<RawResponse['req']> | undefined) ?? {};
  if (complete === false && !isHttp2(raw)) socket?.destroySoon?.();
}

function http2Stream(raw: RawResponse): Http2StreamLike | undefined {
  if (!isHttp2(raw)) return undefined;
  return (raw as unknown as { stream?: Http2StreamLike }).stream;
}

/** The socket of a request. Serverless adapters have none, or an incomplete mock. */
function requestSocket(raw: RawResponse): Socket | undefined {
  const { socket } = (raw.req as Partial<RawResponse['req']> | undefined) ?? {};
  return typeof (socket as Partial<Socket> | undefined)?.once === 'function' ? socket : undefined;
}

function ignore(): void {
  // A failed write is followed by `close`, which reports that the client has left.
}
