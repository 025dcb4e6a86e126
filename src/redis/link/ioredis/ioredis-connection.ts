import { expectAnswer } from '../../../time/answer-timer.js';
import { backOffMs } from '../../../time/back-off.js';
import { systemClock } from '../../../time/clock.js';
import type { IoredisClient } from './ioredis-types.js';

/** Callbacks of an {@link IoredisConnection}. */
export interface IoredisConnectionEvents {
  /** A new client, before it connects. */
  made?(client: IoredisClient): void;
  /** The client is connected. The connection counts as ready when this has resolved, and breaks if it rejects. */
  connected(client: IoredisClient): Promise<unknown> | undefined;
  ready(): void;
  /** An attempt to connect failed, or the connection was lost. */
  failed(error: unknown): void;
}

/** An attempt that takes longer is given up: the other side may never answer. */
const ATTEMPT_MS = 20_000;

/**
 * A connection to one server that is made again when it is lost. Each attempt has a client of its own, because a client of
 * `ioredis` that reconnects by itself repeats commands, and subscribes again without reporting a failure.
 */
export class IoredisConnection {
  private client: IoredisClient | undefined;
  private attempt: Promise<void> = Promise.reject(closed());
  private restored = false;
  /** Clients that have reported an error. */
  private readonly broken = new WeakSet<IoredisClient>();
  private attempts = 0;
  private timer: unknown;

  constructor(
    /** Makes a client. If it throws, the attempt has failed. */
    private readonly make: () => IoredisClient,
    private readonly events: IoredisConnectionEvents,
  ) {
    this.attempt.catch(() => undefined);
  }

  get isReady(): boolean {
    return this.restored && this.client !== undefined && this.works(this.client);
  }

  /** Starts to connect, unless it has been started. */
  connect(): void {
    if (this.client) return;
    systemClock.cancel(this.timer);
    let client: IoredisClient;
    try {
      client = this.make();
    } catch (error) {
      this.attempt = Promise.reject(error as Error);
      this.attempt.catch(() => undefined);
      this.retryLater(error);
      return;
    }
    this.client = client;
    this.restored = false;
    let cause: unknown;
    client.on('error', (error: unknown) => {
      cause ??= error;
      // After some errors, such as an answer without a question, the client would continue in an unknown state. Version 5
      // becomes ready even if the password was wrong.
      this.broken.add(client);
      client.disconnect();
    });
    const answered = expectAnswer(systemClock, ATTEMPT_MS, () => {
      if (this.client !== client || this.isReady) return;
      cause ??= new Error(`no connection to Redis within ${ATTEMPT_MS} ms`);
      client.disconnect();
    });
    client.on('end', () => {
      answered();
      this.ended(client, cause);
    });
    this.events.made?.(client);
    this.attempt = client.connect().then(() => this.restore(client));
    this.attempt.catch(() => undefined);
  }

  /** Resolves when the current attempt to connect has succeeded, and rejects if it fails. */
  settled(): Promise<void> {
    return this.attempt;
  }

  /** Sends a command once. */
  async call(command: string, ...args: readonly string[]): Promise<unknown> {
    if (!this.client || !this.isReady) throw closed();
    return this.client.call(command, ...args);
  }

  /** Breaks the connection. It is made again. */
  replace(): void {
    this.client?.disconnect();
  }

  /** Breaks the connection, and does not make it again. */
  destroy(): void {
    systemClock.cancel(this.timer);
    const { client } = this;
    this.client = undefined;
    client?.disconnect();
  }

  private works(client: IoredisClient): boolean {
    return client.status === 'ready' && !this.broken.has(client);
  }

  private async restore(client: IoredisClient): Promise<void> {
    try {
      await this.events.connected(client);
    } catch (error) {
      if (this.client === client) this.events.failed(error);
      client.disconnect();
      throw error;
    }
    if (this.client !== client || !this.works(client)) throw closed();
    this.restored = true;
    this.attempts = 0;
    this.events.ready();
  }

  private ended(client: IoredisClient, cause: unknown): void {
    if (this.client !== client) return;
    this.client = undefined;
    this.retryLater(cause ?? closed());
  }

  private retryLater(why: unknown): void {
    this.timer = systemClock.schedule(() => this.connect(), backOffMs(this.attempts++));
    this.events.failed(why);
  }
}

function closed(): Error {
  return new Error('the connection to Redis is closed');
}
