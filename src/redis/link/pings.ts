import { expectAnswer } from '../../time/answer-timer.js';
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
  private cancel: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly pingMs: number | false,
    /** The connections that are ready. */
    private readonly connections: () => readonly PingedConnection[],
  ) {}

  start(): void {
    if (this.pingMs === false) return;
    this.stop();
    this.cancel = expectAnswer(this.clock, this.pingMs, () => {
      this.start();
      this.ping();
    });
  }

  stop(): void {
    this.cancel?.();
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
    this.unanswered.delete(client);
    replace(new Error(`no answer to a PING within ${String(this.pingMs)} ms`));
  }
}
