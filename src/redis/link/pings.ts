import type { Clock } from '../../time/clock.js';

/** A connection that is pinged. */
export interface PingedConnection {
  /** The same object as long as it is the same connection. */
  readonly client: object;
  ping(): Promise<unknown>;
  /** Breaks the connection, and makes it again. */
  replace(why: Error): void;
}

/** Finds connections that are dead although the other side never closed them. Only a ping shows that. */
export class Pings {
  /** The connections that have not answered their last ping. */
  private readonly unanswered = new Set<object>();
  private timer: unknown;

  constructor(
    private readonly clock: Clock,
    private readonly pingMs: number | false,
    /** The connections that are ready. */
    private readonly connections: () => readonly PingedConnection[],
  ) {}

  start(): void {
    if (this.pingMs === false) return;
    this.clock.cancel(this.timer);
    this.timer = this.clock.schedule(() => {
      this.start();
      this.ping();
    }, this.pingMs);
  }

  stop(): void {
    this.clock.cancel(this.timer);
  }

  private ping(): void {
    const ready = this.connections();
    for (const client of this.unanswered) {
      if (!ready.some((connection) => connection.client === client)) this.unanswered.delete(client);
    }
    for (const connection of ready) this.pingOne(connection);
  }

  private pingOne({ client, ping, replace }: PingedConnection): void {
    if (!this.unanswered.has(client)) {
      this.unanswered.add(client);
      const answered = (): void => void this.unanswered.delete(client);
      // A ping that fails has found a connection that is known to be lost.
      ping().then(answered, answered);
      return;
    }
    // Deferred: in a process that was suspended, timers run before the answer is read from the socket.
    this.clock.defer(() => {
      if (!this.unanswered.delete(client)) return;
      replace(new Error(`no answer to a PING within ${String(this.pingMs)} ms`));
    });
  }
}
