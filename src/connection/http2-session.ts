import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { isHttp2, type RawResponse } from './response.js';

/** The session of a response over HTTP/2, as long as there is one. */
export function sessionOf(response: RawResponse): ServerHttp2Session | undefined {
  if (!isHttp2(response)) return undefined;
  const { stream } = response as unknown as { stream?: { session?: ServerHttp2Session } };
  return stream?.session;
}

/**
 * What the kernel has taken of the connection of an HTTP/2 session, `undefined` if nothing waits for it. Where that is
 * the same some time later, it is the connection that stands still, and not a stream whose window is used up.
 */
export function carriedBytes(response: RawResponse): number | undefined {
  const session = sessionOf(response);
  const { _handle: handle } = (session && (socketOf(session) as unknown as { _handle?: Handle })) ?? {};
  // Under TLS the socket proper is behind the one that encrypts.
  const { bytesWritten, writeQueueSize = 0 } = handle?._parent ?? handle ?? {};
  return bytesWritten === undefined || writeQueueSize === 0 ? undefined : bytesWritten - writeQueueSize;
}

interface Handle {
  bytesWritten?: number;
  writeQueueSize?: number;
  _parent?: Handle;
}

/** Cuts a session off with its connection: `destroy()` of the session waits for that to take what waits. */
export function cutSession(session: SocketOwner): void {
  socketOf(session)?.destroy();
}

/** What is used of a session here. */
export interface SocketOwner {
  readonly socket: unknown;
}

// What a session shows as its socket has no destroy(), but its methods are the socket's own, and this one returns it.
function socketOf({ socket }: SocketOwner): Socket | undefined {
  try {
    return (socket as Socket).off('error', unused);
  } catch {
    // The session has no socket any more.
    return undefined;
  }
}

function unused(): void {
  // Was never added.
}
