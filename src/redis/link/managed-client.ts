import type { PingedConnection } from './pings.js';
import type { RedisLink } from './redis-link.js';

/** A client that manages several connections and follows the topology, as `ManagedLink` uses it. */
export interface ManagedClient {
  /** The subject of messages: "… is not available". */
  readonly address: string;
  readonly isReady: boolean;
  readonly publishCommand: 'PUBLISH' | 'SPUBLISH';
  /**
   * Reports changes of the connections: `recovered` when some work again, and `failed` when one or a command has failed. Called
   * once, before {@link connect}.
   */
  observe(recovered: () => void, failed: (cause?: unknown) => void): void;
  connect(): Promise<unknown>;
  send: RedisLink['send'];
  subscribe(channels: readonly string[], listener: MessageListener): Promise<unknown>;
  unsubscribe(channels: readonly string[], listener: MessageListener): Promise<unknown>;
  /** The connections that are ready, as far as the client tells. */
  connections(): readonly PingedConnection[];
  destroy(): unknown;
}

/** Takes a message of a pub/sub channel. */
export type MessageListener = (text: string, channel: string) => void;
