import { isDeepStrictEqual } from 'node:util';
import { expectAnswer, isLate } from '../../time/answer-timer.js';
import { backOffMs } from '../../time/back-off.js';
import type { Clock } from '../../time/clock.js';
import type { ClientFactory, PostgresClient } from './postgres-client.js';

/** A user of a {@link ListeningConnection}. */
export interface NotificationListener {
  /** The name under which the notifications are sent. At most 63 bytes. */
  readonly name: string;
  /** Milliseconds after which a connection that does not answer is replaced. */
  readonly pingMs: number | false;
  /** PostgreSQL has accepted `LISTEN`, for the first time or after a reconnect. */
  accepted(): void;
  /** The connection was lost, or could not be made. It is made again. */
  lost(error: unknown): void;
  notification(payload: string): void;
}

/** The connections of this process that are in use. */
const inUse = new Set<ListeningConnection>();

/** Adds a listener to the connection of this process to that database. The first listener makes it. */
export function listen(
  factory: ClientFactory,
  clock: Clock,
  listener: NotificationListener,
): ListeningConnection {
  const found = [...inUse].find((connection) => connection.serves(factory, clock));
  const connection = found ?? new ListeningConnection(factory, clock);
  connection.add(listener);
  return connection;
}

/**
 * A connection that receives notifications for all logs and slot stores of this process that connect with the same options.
 * It is made again when it is lost, and closed when its last listener leaves.
 */
export class ListeningConnection {
  private readonly listeners = new Set<NotificationListener>();
  private client: PostgresClient | undefined;
  private isConnected = false;
  /** The last statement. A client of `pg` takes one at a time. */
  private last: Promise<unknown> = Promise.resolve();
  private attempts = 0;
  private retryTimer: unknown;
  private pingTimer: unknown;
  private cancelAnswer: (() => void) | undefined;

  constructor(
    private readonly factory: ClientFactory,
    private readonly clock: Clock,
  ) {}

  serves({ Client, config }: ClientFactory, clock: Clock): boolean {
    return (
      clock === this.clock && Client === this.factory.Client && isDeepStrictEqual(config, this.factory.config)
    );
  }

  add(listener: NotificationListener): void {
    this.listeners.add(listener);
    if (this.listeners.size === 1) {
      inUse.add(this);
      this.open();
    } else if (this.client && this.isConnected) {
      this.start(listener, this.client);
      this.pingLater();
    }
  }

  remove(listener: NotificationListener): void {
    if (!this.listeners.delete(listener)) return;
    const { client } = this;
    if (this.listeners.size === 0) {
      inUse.delete(this);
      this.forget();
      this.clock.cancel(this.retryTimer);
    } else if (
      client &&
      this.isConnected &&
      ![...this.listeners].some(({ name }) => name === listener.name)
    ) {
      // If it fails, the connection reports it.
      this.run(client, `UNLISTEN "${listener.name}"`).catch(() => undefined);
    }
  }

  /** A listener has received something. The next connection, if this one is lost, is made without a long pause. */
  works(): void {
    this.attempts = 0;
  }

  /** Makes another connection in place of this one. */
  replace(why: unknown): void {
    if (!this.client) return;
    this.forget();
    this.openLater(why);
  }

  private openLater(why: unknown): void {
    this.retryTimer = this.clock.schedule(() => this.open(), backOffMs(this.attempts++));
    for (const listener of [...this.listeners]) listener.lost(why);
  }

  private open(isAgain = false): void {
    const startedAt = this.clock.now();
    let client: PostgresClient;
    try {
      client = this.factory.make();
    } catch (error) {
      // The client reads files that the options name, such as a certificate.
      return this.openLater(error);
    }
    this.client = client;
    this.last = Promise.resolve();
    const fail = (why: unknown): void => {
      if (this.client === client) this.replace(why);
    };
    client.on('error', fail);
    client.on('end', () => fail(new Error('the connection has ended')));
    client.on('notification', ({ channel, payload = '' }: { channel?: string; payload?: string }) => {
      for (const listener of [...this.listeners]) {
        if (listener.name === channel) listener.notification(payload);
      }
    });
    client.connect().then(
      () => {
        if (this.client !== client) return void client.end().catch(() => undefined);
        this.isConnected = true;
        for (const listener of this.listeners) this.start(listener, client);
        this.pingLater();
      },
      (error: unknown) => {
        // A client in a process that was suspended gives up before it has read the answer of the server.
        if (isAgain || this.client !== client || !isLate(this.clock, startedAt + this.factory.connectMs))
          return fail(error);
        this.forget();
        this.open(true);
      },
    );
  }

  private start(listener: NotificationListener, client: PostgresClient): void {
    this.run(client, `LISTEN "${listener.name}"`).then(
      () => {
        if (this.client === client && this.listeners.has(listener)) listener.accepted();
      },
      (error: unknown) => {
        if (this.client === client) this.replace(error);
      },
    );
  }

  private forget(): void {
    const { client, clock } = this;
    this.client = undefined;
    this.isConnected = false;
    clock.cancel(this.pingTimer);
    this.cancelAnswer?.();
    client?.end().catch(() => undefined);
  }

  /** A connection that died silently is only noticed by a query. */
  private pingLater(): void {
    this.clock.cancel(this.pingTimer);
    const pingMs = Math.min(...[...this.listeners].map((listener) => listener.pingMs || Infinity));
    if (pingMs < Infinity) this.pingTimer = this.clock.schedule(() => this.ping(pingMs), pingMs);
  }

  private ping(pingMs: number): void {
    const { client } = this;
    if (!client) return;
    this.run(client, 'SELECT 1').then(
      () => {
        this.cancelAnswer?.();
        if (this.client === client) this.pingLater();
      },
      (error: unknown) => {
        if (this.client === client) this.replace(error);
      },
    );
    this.cancelAnswer?.();
    this.cancelAnswer = expectAnswer(this.clock, pingMs, () => {
      if (this.client === client) this.replace(new Error(`no answer within ${pingMs} ms`));
    });
  }

  private run(client: PostgresClient, text: string): Promise<unknown> {
    const answer = this.last.then(() => client.query({ text, values: [], rowMode: 'array' }));
    this.last = answer.catch(() => undefined);
    return answer;
  }
}
