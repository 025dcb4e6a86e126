import { createClient, type RedisClientOptions, type RedisClientType } from '@redis/client';
import type { Clock } from '../connection/clock.js';
import { backOffMs, type LinkEvents, type RedisClientLike, type RedisLink } from './redis-link.js';

/** A link to one Redis, over two copies of a client. */
export class ClientLink implements RedisLink {
  readonly publishCommand = 'PUBLISH';
  readonly sweepMs = 30_000;
  error: unknown;
  private readonly commands: RedisClientType;
  private readonly subscriber: RedisClientType;
  /** Who has not answered the last ping. */
  private readonly silent = new Set<RedisClientType>();
  private readonly listener = (text: string, channel: string): void => this.events.message(channel, text);
  private beating: unknown;
  private closed = false;

  constructor(
    given: RedisClientLike | RedisClientOptions,
    private readonly events: LinkEvents,
    private readonly clock: Clock,
    private readonly pingMs: number | false,
  ) {
    const client = 'duplicate' in given ? (given as RedisClientType) : createClient(given);
    this.commands = this.copy(client);
    this.subscriber = this.copy(client);
  }

  get up(): boolean {
    return this.commands.isReady && this.subscriber.isReady;
  }

  open(): void {
    this.connect(this.commands);
    this.connect(this.subscriber);
    this.beat();
  }

  send(_key: string, command: readonly string[]): Promise<unknown> {
    return this.commands.sendCommand(command);
  }

  async transaction(_key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    const multi = this.commands.multi();
    for (const command of commands) multi.addCommand([...command]);
    return multi.exec();
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.subscriber.subscribe([...channels], this.listener);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.subscriber.unsubscribe([...channels], this.listener);
  }

  close(): void {
    this.closed = true;
    this.clock.cancel(this.beating);
    this.commands.destroy();
    this.subscriber.destroy();
  }

  private copy(client: RedisClientType): RedisClientType {
    const { options } = client;
    const copy = client.duplicate({
      socket: { ...options.socket, reconnectStrategy: backOffMs },
      // Nothing is sent later than it was asked for, and nothing is converted.
      disableOfflineQueue: true,
      commandOptions: { timeout: 0 },
      pingInterval: undefined,
    });
    copy.on('ready', () => {
      if (!this.up) return;
      this.error = undefined;
      this.events.up();
    });
    copy.on('error', (error: unknown) => this.lost(error));
    return copy;
  }

  private connect(client: RedisClientType): void {
    // It goes on until it is connected; each attempt that failed is an 'error'.
    client.connect().catch(() => undefined);
  }

  private lost(error: unknown): void {
    if (this.closed) return;
    this.error = error;
    this.events.down(error);
  }

  /** A connection that died without a word is only noticed by asking. */
  private beat(): void {
    if (this.pingMs === false) return;
    this.beating = this.clock.schedule(() => {
      for (const client of [this.commands, this.subscriber]) this.ping(client);
      this.beat();
    }, this.pingMs);
  }

  private ping(client: RedisClientType): void {
    if (!client.isReady) return void this.silent.delete(client);
    if (!this.silent.has(client)) {
      this.silent.add(client);
      client.ping().then(
        () => this.silent.delete(client),
        () => undefined,
      );
      return;
    }
    this.silent.delete(client);
    client.destroy();
    this.lost(new Error(`no answer to a PING within ${String(this.pingMs)} ms`));
    this.connect(client);
  }
}
