import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Clock } from '../time/clock.js';
import { cutSession, type SocketOwner } from './http2-session.js';

/** What is used of Node's servers, of whichever protocol. */
export interface ServerLike extends EventEmitter {
  readonly listening: boolean;
  /** Not there over HTTP/2. */
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

/** What is remembered of a session: its open streams, and for how many rounds it has been closed without any. */
interface SessionState {
  streams: number;
  rounds: number;
}

/** How often a closing server is looked after. */
const ROUND_MS = 20;
/** So many rounds a client has to close its side of a connection that was ended, and to read what is on its way. */
const FAREWELL_ROUNDS = 25;

/**
 * Helps a server that is being closed over what would hold it up when its streams are long gone: connections that
 * clients made ahead of time and never used (browsers and fetch() do; to Node they are not idle but about to send),
 * those that fell idle after the closing began, and HTTP/2 sessions, which stay until somebody ends them, and whose
 * clients may then stay all the same.
 */
export class ServerClosing {
  private readonly sockets = new OpenSockets();
  private readonly sessions = new Map<Session, SessionState>();
  private silent = new Set<Socket>();
  private readonly ended = new Map<Socket, number>();
  private round: unknown;

  constructor(
    private readonly server: ServerLike,
    private readonly clock: Clock,
  ) {
    const { sockets, sessions } = this;
    const remember = (socket: Socket): void => sockets.add(socket);
    server.on('connection', remember);
    server.on('secureConnection', remember);
    server.on('session', (session: Session) => {
      const state: SessionState = { streams: 0, rounds: 0 };
      sessions.set(session, state);
      session.once('close', () => sessions.delete(session));
      const over = (): void => void state.streams--;
      session.on('stream', (stream) => {
        state.streams++;
        stream.once('close', over);
      });
    });
    server.on('close', () => this.stop());
  }

  /** From now on, and until the server is closed. */
  start(): void {
    this.round = this.clock.schedule(() => this.look(), ROUND_MS);
  }

  stop(): void {
    this.clock.cancel(this.round);
    this.silent.clear();
    this.ended.clear();
  }

  /** A session of HTTP/2 leaves it to its client to close the connection, which a client need not do. */
  private dropEnded(): void {
    for (const socket of this.sockets.list()) {
      if (!socket.writableEnded) continue;
      const rounds = (this.ended.get(socket) ?? 0) + 1;
      this.ended.set(socket, rounds);
      if (rounds > FAREWELL_ROUNDS) socket.destroy();
    }
  }

  /** A session whose connection takes nothing more would wait for good to say that it goes. */
  private closeSessions(): void {
    for (const [session, state] of this.sessions) {
      if (!session.closed) session.close();
      else if (state.streams > 0) state.rounds = 0;
      else if (++state.rounds > FAREWELL_ROUNDS) cutSession(session);
    }
  }

  private look(): void {
    if (!this.server.listening) {
      this.server.closeIdleConnections?.();
      this.closeSessions();
      this.dropEnded();
      const silent = new Set<Socket>();
      for (const socket of this.sockets.list()) if (socket.bytesRead === 0) silent.add(socket);
      // A request may be on its way: one round is left to it.
      for (const socket of silent) if (this.silent.has(socket)) socket.destroy();
      this.silent = silent;
    }
    this.start();
  }
}

/** With fewer, nobody looks which of them are closed. */
const FEW_SOCKETS = 64;

/**
 * The sockets of a server that are open. They are not watched: one more listener for `close` costs each 144 bytes, and
 * ordinary requests have a part in that, too. Those that are gone are found when there are twice as many as were left.
 */
class OpenSockets {
  private refs: WeakRef<Socket>[] = [];
  private lookAt = FEW_SOCKETS;

  add(socket: Socket): void {
    if (this.refs.length >= this.lookAt) this.list();
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
    this.lookAt = Math.max(FEW_SOCKETS, this.refs.length * 2);
    return open;
  }
}
