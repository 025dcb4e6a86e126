import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Clock } from '../time/clock.js';
import { cutSession, type SocketOwner } from './http2-session.js';

/** The part of a Node server that we use, for all protocols. */
export interface ServerLike extends EventEmitter {
  readonly listening: boolean;
  /** Missing on HTTP/2 servers. */
  closeIdleConnections?(): void;
}

interface Stream {
  once(event: 'close', listener: () => void): unknown;
}
interface Session extends SocketOwner {
  readonly closed: boolean;
  close(): void;
  once(event: 'close', listener: () => void): unknown;
  on(event: 'stream', listener: (stream: Stream) => void): unknown;
}

interface SessionState {
  /** The number of open streams. */
  streams: number;
  /** For how many checks the session has been closed and had no stream. */
  checks: number;
}

/** The interval of the checks. */
const CHECK_MS = 20;
/** The number of checks that a client has to read the last bytes and to close its side of a connection. */
const GRACE_CHECKS = 25;

/**
 * Closes connections that would keep `server.close()` waiting after all streams have ended:
 *
 * - Connections that clients opened ahead of time and never used, as browsers and `fetch()` do. Node does not treat them as
 *   idle, because it expects a request.
 * - Connections that became idle after the closing began.
 * - HTTP/2 sessions. They stay open until one side closes them, and a client can ignore that.
 */
export class ServerClosing {
  private readonly sockets = new OpenSockets();
  private readonly sessions = new Map<Session, SessionState>();
  private unused = new Set<Socket>();
  private readonly ended = new Map<Socket, number>();
  private timer: unknown;

  constructor(
    private readonly server: ServerLike,
    private readonly clock: Clock,
  ) {
    const { sockets, sessions } = this;
    const remember = (socket: Socket): void => sockets.add(socket);
    server.on('connection', remember);
    server.on('secureConnection', remember);
    server.on('session', (session: Session) => {
      const state: SessionState = { streams: 0, checks: 0 };
      sessions.set(session, state);
      session.once('close', () => sessions.delete(session));
      const closed = (): void => void state.streams--;
      session.on('stream', (stream) => {
        state.streams++;
        stream.once('close', closed);
      });
    });
    server.on('close', () => this.stop());
  }

  /** Starts the checks. They end when the server is closed. */
  start(): void {
    this.timer = this.clock.schedule(() => this.check(), CHECK_MS);
  }

  stop(): void {
    this.clock.cancel(this.timer);
    this.unused.clear();
    this.ended.clear();
  }

  /** An HTTP/2 session waits for its client to close the connection. A client that does not is cut off. */
  private destroyEnded(): void {
    for (const socket of this.sockets.list()) {
      if (!socket.writableEnded) continue;
      const checks = (this.ended.get(socket) ?? 0) + 1;
      this.ended.set(socket, checks);
      if (checks > GRACE_CHECKS) socket.destroy();
    }
  }

  /** A session whose connection is stalled cannot send its GOAWAY frame, and would stay open forever. */
  private closeSessions(): void {
    for (const [session, state] of this.sessions) {
      if (!session.closed) session.close();
      else if (state.streams > 0) state.checks = 0;
      else if (++state.checks > GRACE_CHECKS) cutSession(session);
    }
  }

  private check(): void {
    if (!this.server.listening) {
      this.server.closeIdleConnections?.();
      this.closeSessions();
      this.destroyEnded();
      const unused = new Set<Socket>();
      for (const socket of this.sockets.list()) if (socket.bytesRead === 0) unused.add(socket);
      // A first request may be on its way, so a socket is destroyed only if two checks in a row find it unused.
      for (const socket of unused) if (this.unused.has(socket)) socket.destroy();
      this.unused = unused;
    }
    this.start();
  }
}

/** Below this number, closed sockets are not removed. */
const FEW_SOCKETS = 64;

/**
 * The open sockets of a server. A listener for `close` would cost 144 bytes for each socket, of ordinary requests as well. So
 * there are weak references, and closed sockets are removed whenever the list has doubled.
 */
class OpenSockets {
  private refs: WeakRef<Socket>[] = [];
  private pruneAt = FEW_SOCKETS;

  add(socket: Socket): void {
    if (this.refs.length >= this.pruneAt) this.list();
    this.refs.push(new WeakRef(socket));
  }

  list(): Socket[] {
    const open: Socket[] = [];
    this.refs = this.refs.filter((ref) => {
      const socket = ref.deref();
      if (!socket || socket.destroyed) return false;
      open.push(socket);
      return true;
    });
    this.pruneAt = Math.max(FEW_SOCKETS, this.refs.length * 2);
    return open;
  }
}
