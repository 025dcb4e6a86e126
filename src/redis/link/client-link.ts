import type { RedisClientOptions, RedisClientType } from '@redis/client';
import { backOffMs } from '../../time/back-off.js';
import type { Clock } from '../../time/clock.js';
import { SseError } from '../../errors/sse.errors.js';
import { loadRedisClient } from './redis-client.cjs';
import { replyCode } from './redis-errors.js';
import type { LinkEvents, RedisClientLike, RedisLink } from './redis-link.js';

/** A link to a single Redis server, over two copies of a client. */
export class ClientLink implements RedisLink {
  readonly publishCommand = 'PUBLISH';
  readonly sweepMs = 30_000;
  readonly address: string;
  error: unknown;
  private readonly commands: RedisClientType;
  private readonly subscriber: RedisClientType;
  /** The clients that have not answered their last ping. */
  private readonly unanswered = new Set<RedisClientType>();
  private readonly listener = (text: string, channel: string): void => this.events.message(channel, text);
  private pingTimer: unknown;
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
    this.schedulePings();
  }

  async send(_key: string, command: readonly string[]): Promise<unknown> {
    try {
      return await this.commands.sendCommand(command);
    } catch (error) {
      // The server has become a replica. The same host name may lead to the new master.
      if (replyCode(error) === 'READONLY') for (const client of this.clients) this.replace(client, error);
      throw error;
    }
  }

  inOrder(key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    // Not a transaction: a Redis without free memory refuses even one that only reads.
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
    this.clock.cancel(this.pingTimer);
    for (const client of this.clients) client.destroy();
  }

  private copy(client: RedisClientType): RedisClientType {
    const { options } = client;
    const copy = client.duplicate({
      socket: { ...options.socket, reconnectStrategy: backOffMs },
      // Commands fail immediately while there is no connection, and replies are not converted.
      disableOfflineQueue: true,
      commandOptions: { timeout: 0 },
      pingInterval: undefined,
    });
    copy.on('ready', () => {
      // A client that is destroyed while it connects still connects.
      if (this.closed) return copy.destroy();
      if (!this.up) return;
      this.error = undefined;
      this.events.up();
    });
    copy.on('error', (error: unknown) => this.lost(error));
    return copy;
  }

  private connect(client: RedisClientType): void {
    // The client retries until it is connected, and emits 'error' for each attempt that fails.
    client.connect().catch(() => undefined);
  }

  private lost(error: unknown): void {
    if (this.closed) return;
    this.error = error;
    this.events.down(error);
  }

  /** Only a ping shows that a connection is dead if the other side never closed it. */
  private schedulePings(): void {
    if (this.pingMs === false) return;
    this.pingTimer = this.clock.schedule(() => {
      for (const client of this.clients) this.ping(client);
      this.schedulePings();
    }, this.pingMs);
  }

  private ping(client: RedisClientType): void {
    if (!client.isReady) return void this.unanswered.delete(client);
    if (!this.unanswered.has(client)) {
      this.unanswered.add(client);
      client.ping().then(
        () => this.unanswered.delete(client),
        () => undefined,
      );
      return;
    }
    // Deferred: in a process that was suspended, timers run before the answer is read from the socket.
    this.clock.defer(() => {
      if (!this.unanswered.has(client)) return;
      this.replace(client, new Error(`no answer to a PING within ${String(this.pingMs)} ms`));
    });
  }

  private replace(client: RedisClientType, why: unknown): void {
    this.unanswered.delete(client);
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
      'Run "npm install @redis/client", or pass a client of the package "redis" instead of options or a URL.',
  });
}
