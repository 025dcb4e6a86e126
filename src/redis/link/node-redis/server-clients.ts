import type { RedisClientOptions, RedisClientType } from '@redis/client';
import { SseError } from '../../../errors/sse.errors.js';
import { backOffMs } from '../../../time/back-off.js';
import {
  SERVER_SWEEP_MS,
  type ServerClient,
  type ServerClientEvents,
  type ServerClients,
} from '../server-client.js';
import { loadRedisClient } from './redis-client.cjs';

/**
 * Makes connections like a client of `@redis/client`, or like its options.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` if the package is needed and not installed.
 */
export function nodeRedisClients(given: RedisClientType | RedisClientOptions): ServerClients {
  const client = 'duplicate' in given ? given : makeClient(given);
  return {
    address: addressOf(client.options),
    sweepMs: SERVER_SWEEP_MS,
    make: (events) => new NodeRedisClient(client, events),
  };
}

/** A copy of a client of `@redis/client`, which makes lost connections again by itself. */
class NodeRedisClient implements ServerClient {
  private readonly client: RedisClientType;
  private readonly listener: (text: string, channel: string) => void;
  private destroyed = false;

  constructor(given: RedisClientType, events: ServerClientEvents) {
    this.client = given.duplicate({
      socket: { ...given.options.socket, reconnectStrategy: backOffMs },
      // Commands fail immediately while there is no connection, and replies are not converted.
      disableOfflineQueue: true,
      commandOptions: { timeout: 0 },
      pingInterval: undefined,
    });
    this.listener = (text, channel) => events.message(channel, text);
    this.client.on('ready', () => {
      // A client that is destroyed while it connects still connects.
      if (this.destroyed) return this.client.destroy();
      events.ready();
    });
    this.client.on('error', (error: unknown) => events.failed(error));
  }

  get isReady(): boolean {
    return this.client.isReady;
  }

  connect(): void {
    this.destroyed = false;
    // The client retries until it is connected, and emits 'error' for each attempt that fails.
    this.client.connect().catch(() => undefined);
  }

  send(command: readonly string[]): Promise<unknown> {
    return this.client.sendCommand(command);
  }

  ping(): Promise<unknown> {
    return this.client.ping();
  }

  subscribe(channels: readonly string[]): Promise<unknown> {
    return this.client.subscribe([...channels], this.listener);
  }

  unsubscribe(channels: readonly string[]): Promise<unknown> {
    return this.client.unsubscribe([...channels], this.listener);
  }

  destroy(): void {
    this.destroyed = true;
    this.client.destroy();
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
  if (client) {
    try {
      return client.createClient(options) as RedisClientType;
    } catch {
      // The error of the client can contain the password.
      throw new SseError(
        'SSE_INVALID_OPTIONS',
        'The option "client" has a URL or options that "@redis/client" rejects.',
        { remedy: 'In a URL, write each part of the credentials with encodeURIComponent().' },
      );
    }
  }
  throw new SseError('SSE_INVALID_OPTIONS', 'The package "@redis/client" is not installed.', {
    remedy:
      'Run "npm install @redis/client", or pass a client of the package "redis" or "ioredis" instead of options or a URL.',
  });
}
