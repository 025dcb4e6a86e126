import type { RedisClientOptions } from '@redis/client';

/**
 * A client made by `createClient()`, `createCluster()` or `createSentinel()` of `@redis/client` or `redis`. A client of
 * `ioredis` is not one: it has no `isReady`.
 */
export interface RedisClientLike {
  readonly isReady: boolean;
  duplicate(...overrides: never[]): object;
}

/**
 * How to reach Redis: a client, which is copied and never used itself (it need not be connected), the options of one, or
 * a URL (`redis://`, `rediss://` for TLS, `unix://`).
 */
export type RedisConnection = RedisClientLike | (RedisClientOptions & { duplicate?: never }) | string;

/** What a {@link RedisLink} tells. */
export interface LinkEvents {
  /** Everything works (again). Whatever was announced before may have been missed. */
  up(): void;
  /** Something was tried and failed, or a connection is lost. */
  down(error: unknown): void;
  /** A message came on a pub/sub channel. */
  message(channel: string, text: string): void;
}

/**
 * The connections of one log: one for commands, one that waits for announcements (with a cluster, one of each per
 * shard). Whatever is lost is replaced, with a growing pause between attempts.
 */
export interface RedisLink {
  /** Whether commands can be expected to work. */
  readonly up: boolean;
  /** Where Redis is, for messages, without credentials. */
  readonly address: string;
  /** Why not. */
  readonly error: unknown;
  /** The command that announces to all who subscribe, wherever they are connected. */
  readonly publishCommand: 'PUBLISH' | 'SPUBLISH';
  /** How often to look for announcements that were lost while the link seemed to be up, in milliseconds. */
  readonly sweepMs: number;
  /** Starts connecting. */
  open(): void;
  /** Sends one command to where `key` lives. Fails at once while there is no connection. */
  send(key: string, command: readonly string[]): Promise<unknown>;
  /** Sends commands to where `key` lives that take effect one after the other; others may come between them. */
  inOrder(key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]>;
  /** Resolves when messages on these channels come, also after a reconnection. */
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
  close(): void;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

/** How long to wait before attempt number `attempt`, counted from 0; spread, so that not all nodes come at once. */
export function backOffMs(attempt: number): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
  return Math.ceil(pause * (0.5 + Math.random() / 2));
}
