import type { Socket } from 'node:net';
import type { SharedTimers, Timed } from '../time/shared-timers.js';
import { isHttp2, type RawResponse } from './response.js';
import { onceClosed, waitingCount } from './socket-close.js';

/** Who is told that a response takes no more. */
export interface ResponseOwner {
  /** Whether it was the owner who ended it. */
  readonly over: boolean;
  gone(): void;
}

/** What is used of a stream of HTTP/2. */
interface Http2StreamLike {
  /** Over by frames of the protocol; `destroyed` follows, but for what {@link isReset} tells. */
  readonly closed: boolean;
  readonly destroyed: boolean;
  close(code: number): void;
  destroy(): void;
}

/** CANCEL (RFC 9113, 7): the session and its other streams stay. */
const CANCEL = 8;

/**
 * Tells when the client has left, by the response's own `close`: a request reports it too early (its body was read) or
 * never (it was not). A response that waits behind another of its connection hears nothing of the socket, which is then
 * asked itself.
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
 * How many streams of one connection wait until the responses before them have ended, where a client has pipelined its
 * requests (RFC 9112, 9.3.2); 0 for a response that does not wait.
 */
export function waitingBefore(raw: RawResponse): number {
  if (raw.socket !== null || isHttp2(raw)) return 0;
  const socket = requestSocket(raw);
  return socket ? waitingCount(socket) : 0;
}

/** A response whose last bytes are gone emits `close` well within this time, if it ever does. */
const CLOSE_WITHIN_MS = 250;

/** Who is told that an ended response is over. */
export interface EndedOwner {
  /** Bytes that the client has not taken; `undefined` where nobody is there to take them. */
  unsent(): number | undefined;
  gone(): void;
}

/**
 * Reports a response that was ended or cut off, and does not emit `close`: responses of mocks and serverless adapters,
 * and those whose events some middleware keeps to itself. Their streams would count as open for good.
 */
export class EndWatch implements Timed {
  slot: Set<Timed> | undefined;

  constructor(
    private readonly raw: RawResponse,
    private readonly owner: EndedOwner,
    private readonly timers: SharedTimers,
  ) {
    timers.schedule(this, CLOSE_WITHIN_MS);
  }

  due(): void {
    const { raw, owner } = this;
    // A client that has more to read may still stall, which is not decided here.
    if (!raw.destroyed && (owner.unsent() ?? 0) > 0) this.timers.schedule(this, CLOSE_WITHIN_MS);
    else owner.gone();
  }

  stop(): void {
    this.timers.cancel(this);
  }
}

/**
 * Whether the client has reset a stream of HTTP/2 of which Node does not tell: where the reset names no error, and bytes
 * were on their way, Node waits for these for good, and the session with it. `stream.close()` of Node's own client is
 * such a reset. So it is asked for with each write, and while one waits.
 */
export function isReset(raw: RawResponse): boolean {
  const stream = http2Stream(raw);
  return stream !== undefined && stream.closed && !stream.destroyed;
}

/** Cuts a response off, without an end that a client could take for the body's own. */
export function cutResponse(raw: RawResponse): void {
  if (!isHttp2(raw)) return void (raw as Partial<RawResponse>).destroy?.();
  const stream = http2Stream(raw);
  if (!stream?.closed) stream?.close(CANCEL);
  // Not left to Node, which waits for a session that takes nothing, and for writes that a reset has overtaken.
  stream?.destroy();
}

/** Tells also when somebody else ends the response, in time for nothing to follow its last chunk. */
export function watchEnd(raw: RawResponse, owner: ResponseOwner): void {
  // Emitted within `end()`, while `finish` waits for the socket.
  raw.on('prefinish', () => {
    if (!owner.over) owner.gone();
  });
}

/** Lets go of the connection behind a response that is over, where it could not be used again. */
export function leaveCarrier(raw: RawResponse): void {
  if (isReset(raw)) http2Stream(raw)?.destroy();
  // The rest of a body that nobody reads would be waited for, and the connection could not be used again before.
  const carrier: Partial<Socket> | undefined = raw.socket ?? requestSocket(raw);
  const { complete } = (raw.req as Partial<RawResponse['req']> | undefined) ?? {};
  if (complete === false && !isHttp2(raw)) carrier?.destroySoon?.();
}

function http2Stream(raw: RawResponse): Http2StreamLike | undefined {
  if (!isHttp2(raw)) return undefined;
  return (raw as unknown as { stream?: Http2StreamLike }).stream;
}

/** The socket of a request. Serverless adapters have none, or an object with a few methods in its place. */
function requestSocket(raw: RawResponse): Socket | undefined {
  const { socket } = (raw.req as Partial<RawResponse['req']> | undefined) ?? {};
  return typeof (socket as Partial<Socket> | undefined)?.once === 'function' ? socket : undefined;
}

function ignore(): void {
  // A write that fails is followed by `close`, which is where a client's leaving is handled.
}
