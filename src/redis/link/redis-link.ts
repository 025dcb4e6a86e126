import type { RedisClientOptions } from '@redis/client';

/** A client made by `createClient()`, `createCluster()` or `createSentinel()` of `@redis/client` or `redis`. */
interface NodeRedisLike {
  readonly isReady: boolean;
  duplicate(...overrides: never[]): object;
}

/** A `Redis` or `Cluster` of `ioredis` 5 or 6. */
interface IoredisLike {
  readonly status: string;
  readonly options: object;
  call(...command: never[]): Promise<unknown>;
  duplicate(...overrides: never[]): object;
}

/** A client of `@redis/client` or `redis` (single, cluster or sentinel), or of `ioredis` (single, cluster or with sentinels). */
export type RedisClientLike = NodeRedisLike | IoredisLike;

/**
 * How to reach Redis: a client, options of `createClient()` of `@redis/client`, or a URL (`redis://`, `rediss://` for TLS,
 * `unix://`). The library uses copies of a client and never the client itself, so the client need not be connected. Options
 * and URLs need the package `@redis/client`.
 */
export type RedisConnection = RedisClientLike | (RedisClientOptions & { duplicate?: never }) | string;

/** Callbacks of a {@link RedisLink}. */
export interface LinkEvents {
  /** All connections work, for the first time or again. Announcements before this may have been missed. */
  up(): void;
  /** An attempt to connect failed, or a connection was lost. */
  down(error: unknown): void;
  /** A message arrived on a pub/sub channel. */
  message(channel: string, text: string): void;
}

/**
 * The connections to Redis of one log or slot store: one for commands and one for pub/sub. With a cluster these are one of
 * each per shard. Lost connections are replaced, with a growing pause between attempts.
 */
export interface RedisLink {
  /** True if all connections are ready. */
  readonly up: boolean;
  /** The address of Redis for messages, without credentials. */
  readonly address: string;
  /** The last error; `undefined` once all connections work. */
  readonly error: unknown;
  /** The command that reaches all subscribers of a pub/sub channel, on whichever server they are. */
  readonly publishCommand: 'PUBLISH' | 'SPUBLISH';
  /** How often to check for announcements that were lost while the link seemed to be up, in milliseconds. */
  readonly sweepMs: number;
  /** Starts connecting. */
  open(): void;
  /** Sends one command to the server that has `key`. Fails immediately while there is no connection. */
  send(key: string, command: readonly string[]): Promise<unknown>;
  /** Sends commands to the server that has `key`. They run in this order, but not as a transaction. */
  inOrder(key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]>;
  /** Resolves when these channels are subscribed. They are subscribed again after a reconnection. */
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
  close(): void;
}
