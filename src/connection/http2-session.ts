import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { isHttp2, type RawResponse } from './response.js';

/** The session of a response over HTTP/2; `undefined` over HTTP/1 and after the session has closed. */
export function sessionOf(response: RawResponse): ServerHttp2Session | undefined {
  if (!isHttp2(response)) return undefined;
  const { stream } = response as unknown as { stream?: { session?: ServerHttp2Session } };
  return stream?.session;
}

/**
 * The bytes that the kernel has taken from an HTTP/2 session; `undefined` if no bytes of the session wait. If the number is
 * the same some time later, the whole connection is stalled, and not only one stream whose flow-control window is used up.
 */
export function takenBySession(response: RawResponse): number | undefined {
  const session = sessionOf(response);
  const { _handle: handle } = (session && (socketOf(session) as unknown as { _handle?: Handle })) ?? {};
  // With TLS, the handle of the TCP socket is the parent of the TLS handle.
  const { bytesWritten, writeQueueSize = 0 } = handle?._parent ?? handle ?? {};
  return bytesWritten === undefined || writeQueueSize === 0 ? undefined : bytesWritten - writeQueueSize;
}

interface Handle {
  bytesWritten?: number;
  writeQueueSize?: number;
  _parent?: Handle;
}

/** Destroys a session through its socket. `session.destroy()` would wait until the socket has taken all pending bytes. */
export function cutSession(session: SocketOwner): void {
  socketOf(session)?.destroy();
}

/** The part of an HTTP/2 session that we use. */
export interface SocketOwner {
  readonly socket: unknown;
}

// `session.socket` is a proxy that throws for destroy(). Its off() is that of the real socket, and returns the real socket.
function socketOf({ socket }: SocketOwner): Socket | undefined {
  try {
    return (socket as Socket).off('error', unused);
  } catch {
    // The session has lost its socket.
    return undefined;
  }
}

function unused(): void {
  // Never added as a listener.
}
