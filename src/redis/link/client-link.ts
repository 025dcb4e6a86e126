import type { RedisClientOptions, RedisClientType } from '@redis/client';
import type { Clock } from '../../time/clock.js';
import { SseError } from '../../errors/sse.errors.js';
import { loadRedisClient } from './redis-client.cjs';
import { replyCode } from './redis-errors.js';
import { backOffMs, type LinkEvents, type RedisClientLike, type RedisLink } from './redis-link.js';

/** A link to one Redis, over two copies of a client. */
export class ClientLink implements RedisLink {
  readonly publishCommand = 'PUBLISH';
  readonly sweepMs = 30_000;
  readonly address: string;
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
    const client = 'duplicate' in given ? (given as RedisClientType) : makeClient(given);
    this.address = addressOf(client.options);
    this.commands = this.copy(client);
    this.subscriber = this.copy(client);
  }

  private get clients(): readonly RedisClientType[] {
    return [this.commands, this.subscriber];
  }

  get up(): boolean {
    return this.commands.isReady && this.subscriber.isReady;
  }

  open(): void {
    for (const client of this.clients) this.connect(client);
    this.beat();
  }

  async send(_key: string, command: readonly string[]): Promise<unknown> {
    try {
      return await this.commands.sendCommand(command);
    } catch (error) {
      // It has become a replica; behind the same name there may be the new master.
      if (replyCode(error) === 'READONLY') for (const client of this.clients) this.replace(client, error);
      throw error;
    }
  }

  inOrder(key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    // A transaction would be refused by a Redis that is full, also one that only reads.
    return Promise.all(commands.map((command) => this.send(key, command)));
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
    for (const client of this.clients) client.destroy();
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
      // Destroyed while it was connecting, it connects all the same.
      if (this.closed) return copy.destroy();
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
      for (const client of this.clients) this.ping(client);
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
    // A process that stood still finds its timers due before it has read the answer.
    this.clock.defer(() => {
      if (!this.silent.has(client)) return;
      this.replace(client, new Error(`no answer to a PING within ${String(this.pingMs)} ms`));
    });
  }

  private replace(client: RedisClientType, why: unknown): void {
    this.silent.delete(client);
    if (this.closed || !client.isReady) return;
    client.destroy();
    this.lost(why);
    this.connect(client);
  }
}

function addressOf({ socket }: RedisClientOptions): string {
  const {
    path,
    host = 'localhost',
    port = 6379,
  } = { ...socket } as {
    path?: string;
    host?: string;
    port?: number;
  };
  return `Redis at ${path ?? `${host}:${port}`}`;
}

function makeClient(options: RedisClientOptions): RedisClientType {
  const client = loadRedisClient();
  if (client) return client.createClient(options) as RedisClientType;
  throw new SseError('SSE_INVALID_OPTIONS', 'The package "@redis/client" is not installed.', {
    remedy:
      'npm install @redis/client, or give a client of the package "redis" in place of options or a URL.',
  });
}
